//! What a build without the feature `etcd` has of [`super`]'s module `etcd`: nothing that can be asked for.

use std::convert::Infallible;

use clap::Args;
use influxdb3_tokens::{Catalog, MoveSource, MoveTarget, StoreError};

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

    pub(in crate::cli) fn explained(&self, _: StoreError) -> Failure {
        match self.0 {}
    }

    pub(in crate::cli) async fn open_patiently(&self) -> Result<Catalog, Failure> {
        match self.0 {}
    }

    pub(in crate::cli) async fn open(&self) -> Result<Catalog, Failure> {
        match self.0 {}
    }

    pub(in crate::cli) async fn open_existing(&self) -> Result<Catalog, Failure> {
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
