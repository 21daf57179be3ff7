//! The decoders of the generated models: the first byte chooses one, the others are JSON. What is accepted is written
//! as JSON that is accepted, and means the same.
#![no_main]

use influxdb3_token_api::models;
use serde::Serialize;
use serde::de::DeserializeOwned;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((choice, json)) = input.split_first() else {
        return;
    };
    // Service and client read JSON only if it is UTF-8.
    let Ok(json) = std::str::from_utf8(json) else {
        return;
    };
    let decoders = decoders();
    decoders[usize::from(*choice) % decoders.len()](json);
});

fn decoders() -> Vec<fn(&str)> {
    macro_rules! each {
        ($($model:ident)*) => { vec![$(round_trip::<models::$model>),*] };
    }
    each! {
        AcceptPartial AdminTokenObject ApiNodeSpec ContentEncoding ContentLength CreateDatabaseRequest CreateTableRequest
        CreateTableRequestFieldsInner CreateTableRequestFieldsInnerType Database DistinctCacheCreateRequest
        EpochCompatibility ErrorMessage Format LastCacheCreateRequest LicenseResponse LicenseResponseStatus LineProtocol
        LineProtocolError LineProtocolErrorCode NoSync PluginDirectoryRequest PluginFileEntry PluginFileRequest
        PrecisionWrite PrecisionWriteCompatibility ProcessingEngineTriggerRequest QueryRequestObject
        QueryRequestObjectFormat QueryResponse ResourceTokenObject ResourceTokenObjectPermissionsInner
        SchedulePluginTestRequest Secret ShowDatabasesResponse TriggerSettings UpdateDatabaseRequest UpdateTableRequest
        WalPluginTestRequest
    }
}

fn round_trip<M>(json: &str)
where
    M: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let Ok(model) = serde_json::from_str::<M>(json) else {
        return;
    };
    let written = serde_json::to_vec(&model).expect("a model is JSON");
    let again: M = serde_json::from_slice(&written).expect("what is written is accepted");
    assert_eq!(again, model);
    // A second reading has nothing left to normalise.
    assert_eq!(serde_json::to_vec(&again).expect("a model is JSON"), written);
    assert!(influxdb3_tokens_fuzz::is_json(json.as_bytes()), "a model is read from JSON only");
    let _ = format!("{model:?}");
}
