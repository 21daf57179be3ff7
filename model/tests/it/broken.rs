//! Each mistake has a counterexample: the shortest is printed with `--nocapture`.

use influxdb3_tokens_model::{ACKNOWLEDGED, AT_ONCE, BOUND, Bounds, EXACT, LIVE, ONCE, Role, Variant};

use crate::check::{ONE_NODE, assert_broken};

/// One node serves; another deletes and creates tokens.
const SERVING: Bounds = Bounds { nodes: &[Role::Serves], elsewhere: true, ..ONE_NODE };
/// As `SERVING`, with a second token.
const CREATING: Bounds = Bounds { tokens: &[0, 2], ..SERVING };
/// As `CREATING`, with a second token whose creation and deletion both fit.
const CHANGING: Bounds = Bounds { revisions: 3, ..CREATING };
/// As `CHANGING`, and the serving node writes too.
const SERVING_AND_WRITING: Bounds = Bounds { nodes: &[Role::All], ..CHANGING };

#[test]
fn silence_is_not_freshness() {
    assert_broken(SERVING, Variant::FreshFromSilence, BOUND);
}

#[test]
fn progress_of_a_member_that_lags_is_not_freshness() {
    assert_broken(SERVING, Variant::FreshFromProgress, BOUND);
}

#[test]
fn a_watch_that_starts_at_the_present_revision_leaves_a_gap() {
    assert_broken(CHANGING, Variant::WatchWithoutRevision, BOUND);
}

#[test]
fn the_clock_is_read_before_the_head() {
    assert_broken(SERVING, Variant::ClockReadAfterConfirm, BOUND);
}

#[test]
fn the_clock_counts_suspended_time() {
    let bounds = Bounds { pauses: true, ..SERVING };
    assert_broken(bounds, Variant::ClockStopsDuringPause, BOUND);
}

#[test]
fn fresh_until_is_read_before_the_look_up() {
    assert_broken(SERVING, Variant::FreshUntilReadAfterLookup, BOUND);
}

#[test]
fn the_answer_of_a_direct_read_expires() {
    assert_broken(SERVING, Variant::DirectReadWithoutLimit, BOUND);
}

#[test]
fn a_miss_asks_etcd() {
    assert_broken(CREATING, Variant::MissWithoutAsking, LIVE);
}

#[test]
fn a_request_does_not_share_a_confirmation_that_began_before_it() {
    assert_broken(CREATING, Variant::SharedConfirmTooOld, LIVE);
}

#[test]
fn a_watch_does_not_go_on_during_a_load() {
    assert_broken(CREATING, Variant::WatchDuringLoad, BOUND);
}

#[test]
fn a_retry_of_another_client_is_not_a_second_deletion() {
    let bounds = Bounds { nodes: &[Role::Writes; 2], rival: true, ..ONE_NODE };
    assert_broken(bounds, Variant::RetryWithoutMark, ONCE);
}

#[test]
fn an_unknown_outcome_is_not_success() {
    let bounds = Bounds { nodes: &[Role::Writes], ..ONE_NODE };
    assert_broken(bounds, Variant::UnknownIsSuccess, ACKNOWLEDGED);
}

#[test]
fn an_event_older_than_an_own_deletion_does_not_undo_it() {
    assert_broken(SERVING_AND_WRITING, Variant::NoOverlay, AT_ONCE);
}

#[test]
fn an_own_creation_older_than_the_copy_does_not_count() {
    assert_broken(SERVING_AND_WRITING, Variant::LateCreationApplied, BOUND);
}

#[test]
fn an_own_creation_older_than_the_snapshot_does_not_count() {
    let bounds = Bounds { compaction: true, ..SERVING_AND_WRITING };
    assert_broken(bounds, Variant::LateCreationDuringLoad, BOUND);
}

#[test]
fn after_a_restore_a_revision_has_another_nonce() {
    let bounds = Bounds { restore: true, ..CREATING };
    assert_broken(bounds, Variant::HeadWithoutNonce, BOUND);
}

#[test]
fn after_a_restore_an_early_head_of_the_ring_is_not_enough() {
    let bounds = Bounds { restore: true, foreign: true, ..CREATING };
    assert_broken(bounds, Variant::AnyHeadOfRing, BOUND);
}

#[test]
fn after_a_restore_a_watch_compares_histories() {
    let bounds = Bounds { restore: true, foreign: true, ..CHANGING };
    assert_broken(bounds, Variant::WatchWithoutHistoryCheck, BOUND);
}

#[test]
fn after_a_restore_histories_are_compared_when_the_watch_is_open() {
    let bounds = Bounds { restore: true, foreign: true, ..CHANGING };
    assert_broken(bounds, Variant::HistoryCheckBeforeWatch, BOUND);
}

#[test]
fn after_a_restore_histories_are_compared_at_the_revision_of_the_copy() {
    let bounds = Bounds { restore: true, foreign: true, ..CHANGING };
    assert_broken(bounds, Variant::HistoryCheckAtHead, BOUND);
}

#[test]
fn after_a_restore_the_watch_must_show_an_own_change() {
    let bounds = Bounds { restore: true, revisions: 2, ..SERVING_AND_WRITING };
    assert_broken(bounds, Variant::OverlayWithoutCheck, BOUND);
}

#[test]
fn the_limit_of_a_direct_read_counts_suspended_time() {
    let bounds = Bounds { pauses: true, ..SERVING };
    assert_broken(bounds, Variant::DirectReadByTimer, BOUND);
}

#[test]
fn after_a_restore_a_distrusted_copy_is_not_confirmed() {
    let bounds = Bounds { nodes: &[Role::All], restore: true, ..CREATING };
    assert_broken(bounds, Variant::DistrustedCopyConfirmed, BOUND);
}

#[test]
fn after_a_restore_an_event_in_the_revision_of_an_own_change_is_applied() {
    let bounds = Bounds { elsewhere: true, tokens: &[0, 2, 3], restore: true, ..ONE_NODE };
    assert_broken(bounds, Variant::OwnRevisionSkipped, EXACT);
}

#[test]
fn after_a_restore_the_pages_of_a_load_are_of_one_history() {
    let bounds = Bounds { restore: true, foreign: true, ..CREATING };
    assert_broken(bounds, Variant::PagesOfTwoHistories, BOUND);
}

#[test]
fn after_a_restore_a_revision_of_the_future_is_not_one_that_was_compacted() {
    let bounds = Bounds { restore: true, foreign: true, ..CHANGING };
    assert_broken(bounds, Variant::FutureTakenForCompacted, EXACT);
}

#[test]
fn after_a_restore_an_own_change_does_not_outlive_a_load() {
    let bounds = Bounds { tokens: &[0, 2], restore: true, compaction: true, ..ONE_NODE };
    assert_broken(bounds, Variant::OverlayOutlivesLoad, BOUND);
}

#[test]
fn after_a_restore_a_load_does_not_undo_an_own_deletion_in_an_earlier_revision() {
    let bounds = Bounds { restore: true, foreign: true, compaction: true, ..ONE_NODE };
    assert_broken(bounds, Variant::LoadKeepsRevision, AT_ONCE);
}

#[test]
fn after_a_restore_a_late_answer_lets_the_node_load_again() {
    let bounds = Bounds { restore: true, late: true, foreign: true, ..ONE_NODE };
    assert_broken(bounds, Variant::LateAnswerTrusted, EXACT);
}

#[test]
fn a_regeneration_counts_at_once_during_a_load() {
    let bounds = Bounds { tokens: &[0, 1], regeneration: true, compaction: true, ..ONE_NODE };
    assert_broken(bounds, Variant::LateRegenerationIgnored, AT_ONCE);
}

#[test]
fn after_a_restore_the_clock_is_read_before_what_the_node_knows_is_noted() {
    let bounds = Bounds { tokens: &[0, 2], restore: true, ..ONE_NODE };
    assert_broken(bounds, Variant::PositionBeforeClock, BOUND);
}
