//! What a build without the feature `etcd` has of [`super`]'s module `etcd`: nothing that can be asked for.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use influxdb3_tokens::{Catalog, MoveSource, MoveTarget, StoreError};

use super::Opening;
use crate::cli::Failure;

#[derive(Args)]
pub(in crate::cli) struct EtcdArguments {}

impl EtcdArguments {
    pub(in crate::cli) fn is_given(&self) -> bool {
        false
    }

    pub(in crate::cli) fn read(&self) -> Result<Option<Etcd>, Failure> {
        Ok(None)
    }
}

/// A store that does not exist.
pub(in crate::cli) struct Etcd(Infallible);

impl Etcd {
    pub(in crate::cli) fn look_up(&self) {
        match self.0 {}
    }

    pub(in crate::cli) fn ports(&self) -> Vec<u16> {
        match self.0 {}
    }

    pub(in crate::cli) async fn source(self) -> Result<Box<dyn MoveSource>, Failure> {
        match self.0 {}
    }

    pub(in crate::cli) fn target(self) -> Box<dyn MoveTarget> {
        match self.0 {}
    }

    pub(in crate::cli) fn files(&self) -> std::iter::Empty<&Path> {
        match self.0 {}
    }

    pub(in crate::cli) fn place(&self) -> (String, String) {
        match self.0 {}
    }

    pub(in crate::cli) fn explained(&self, _: StoreError) -> Failure {
        match self.0 {}
    }

    pub(in crate::cli) async fn open(self, _: Opening, _: Duration) -> Result<OpenedEtcd, Failure> {
        match self.0 {}
    }
}

pub(in crate::cli) struct OpenedEtcd {
    pub(in crate::cli) catalog: Catalog,
    pub(in crate::cli) is_new: bool,
    pub(in crate::cli) renewal: Renewal,
}

/// Of a store that does not exist.
#[derive(Clone)]
pub(in crate::cli) struct Renewal(Infallible);

impl Renewal {
    pub(in crate::cli) async fn follow(self) {
        match self.0 {}
    }

    pub(in crate::cli) fn reload(&self) {
        match self.0 {}
    }
}

pub(in crate::cli) fn is_temporary(_: &Failure) -> bool {
    false
}

#[derive(Args)]
pub(in crate::cli) struct NotHere {}

impl NotHere {
    pub(in crate::cli) fn refuse(&self) -> Result<(), Failure> {
        Ok(())
    }
}
