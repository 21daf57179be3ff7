//! The arguments of the command, one on each line: parsed, or refused with a text that is printed.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use influxdb3_tokens_server::fuzzing::parse_arguments;

libfuzzer_sys::fuzz_target!(|lines: &[u8]| {
    let arguments =
        lines.split(|byte| *byte == b'\n').map(|argument| OsString::from_vec(argument.to_owned())).collect();
    if let Err(printed) = parse_arguments(arguments) {
        assert!(!printed.is_empty());
    }
});
