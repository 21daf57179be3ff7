//! HTTP/2 from single frames: what RFC 9113 and RFC 7541 forbid, and floods.

mod conformance;
mod floods;
mod frames;
