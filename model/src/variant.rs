//! The protocol, and the mistakes that the checker must catch.

/// The protocol with at most one mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The protocol of the cluster.
    Sound,
    /// A node takes its copy for fresh because its watch is open and silent.
    FreshFromSilence,
    /// A node takes its copy for fresh because a member, which may lag, reports its watch's progress.
    FreshFromProgress,
    /// A watch starts at the present revision, and not at the one after the snapshot's.
    WatchWithoutRevision,
    /// `confirm` reads the clock when the response arrives, and not before it sends the read.
    ClockReadAfterConfirm,
    /// `confirm` notes what the node knows before it reads the clock.
    PositionBeforeClock,
    /// The clock of `fresh_until` stops while the process is suspended.
    ClockStopsDuringPause,
    /// Authentication reads `fresh_until` after the look-up, so a confirmation of a later copy vouches for the look-up.
    FreshUntilReadAfterLookup,
    /// A deletion of a token that another client deleted counts as a second deletion.
    RetryWithoutMark,
    /// An outcome that is unknown counts as success.
    UnknownIsSuccess,
    /// `confirm` compares the revision of the head, without the nonce.
    HeadWithoutNonce,
    /// `confirm` accepts any head that the node saw, although the node also saw later ones that etcd lacks.
    AnyHeadOfRing,
    /// A watch that is opened again does not compare histories.
    WatchWithoutHistoryCheck,
    /// Histories are compared before the watch starts, so etcd can be restored in between.
    HistoryCheckBeforeWatch,
    /// Histories are compared at the revision of the last head, not at the revision from which the watch goes on.
    HistoryCheckAtHead,
    /// An event older than the node's own change undoes it.
    NoOverlay,
    /// The watch may pass the revision of an own change without showing it.
    OverlayWithoutCheck,
    /// The node applies its own creation although its copy is at a later revision.
    LateCreationApplied,
    /// While a load goes on, the node compares its own change with the revision of the old copy, not of the snapshot.
    LateCreationDuringLoad,
    /// The old watch goes on while the node merges a snapshot.
    WatchDuringLoad,
    /// A token that the copy lacks is answered with 401 without asking etcd.
    MissWithoutAsking,
    /// A request shares a confirmation that began before it arrived.
    SharedConfirmTooOld,
    /// The answer of a direct read counts however long ago it was asked.
    DirectReadWithoutLimit,
    /// A timer, which stands still while the process is suspended, limits direct reads.
    DirectReadByTimer,
    /// A copy that is known to be of another history can be confirmed before it is loaded again.
    DistrustedCopyConfirmed,
    /// An event in the revision of an own change is taken for that change, also if it is another history's.
    OwnRevisionSkipped,
    /// A load does not compare the head of its beginning with that of its last page.
    PagesOfTwoHistories,
    /// A revision that etcd has not reached is taken for one that was compacted.
    FutureTakenForCompacted,
    /// The overlay from before a load outlives it, as far as it is later than the snapshot.
    OverlayOutlivesLoad,
    /// While a load goes on, an own change no later than the old copy is not protected from the pages.
    LoadKeepsRevision,
    /// A response of another history does not make the node load again.
    LateAnswerTrusted,
    /// A regeneration that the copy should have already is not applied, even if the copy has the old secret.
    LateRegenerationIgnored,
}
