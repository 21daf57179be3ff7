//! The options of `serve` that limit what clients may take.

use std::time::Duration;

use clap::Args;
use influxdb3_tokens_server::Limits;

/// Options with the defaults of [`Limits`]. The short help leaves them out.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitOptions {
    /// Connections that may be open; at the limit, the one that has waited the longest is closed
    #[arg(long, env = "INFLUXDB3_MAX_CONNECTIONS", value_name = "COUNT", hide_short_help = true,
        default_value_t = Limits::default().max_connections, value_parser = positive)]
    max_connections: usize,

    /// Connections of one address, or of one IPv6 network of 64 bits; 0 for any number
    #[arg(long, env = "INFLUXDB3_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", hide_short_help = true,
        default_value_t = Limits::default().max_connections_per_address)]
    max_connections_per_address: usize,

    /// Memory that connections may take, in MiB; above it, those that take the most are closed
    #[arg(long, env = "INFLUXDB3_MAX_CONNECTION_MEMORY", value_name = "MIB", hide_short_help = true,
        default_value_t = Limits::default().max_connection_memory >> 20, value_parser = positive)]
    max_connection_memory: usize,

    /// Time for the handshake of TLS
    #[arg(long, env = "INFLUXDB3_HANDSHAKE_TIMEOUT", value_name = "DURATION", hide_short_help = true,
        default_value_t = Limits::default().handshake_timeout.into(), value_parser = duration)]
    handshake_timeout: humantime::Duration,

    /// Time for the first request of a connection, and for the head of each
    #[arg(long, env = "INFLUXDB3_HEAD_TIMEOUT", value_name = "DURATION", hide_short_help = true,
        default_value_t = Limits::default().head_timeout.into(), value_parser = duration)]
    head_timeout: humantime::Duration,

    /// Bytes of a head that must arrive each second, after ten seconds; 0 for any number
    #[arg(long, env = "INFLUXDB3_MIN_HEAD_RATE", value_name = "BYTES", hide_short_help = true,
        default_value_t = Limits::default().min_head_rate)]
    min_head_rate: u32,

    /// Time between the requests of a connection
    #[arg(long, env = "INFLUXDB3_IDLE_TIMEOUT", value_name = "DURATION", hide_short_help = true,
        default_value_t = Limits::default().idle_timeout.into(), value_parser = duration)]
    idle_timeout: humantime::Duration,

    /// Time for a client to receive what is ready for it
    #[arg(long, env = "INFLUXDB3_WRITE_TIMEOUT", value_name = "DURATION", hide_short_help = true,
        default_value_t = Limits::default().write_timeout.into(), value_parser = duration)]
    write_timeout: humantime::Duration,

    /// Bytes of the head of a request
    #[arg(long, env = "INFLUXDB3_MAX_HEAD_SIZE", value_name = "BYTES", hide_short_help = true,
        default_value_t = Limits::default().max_head_size, value_parser = positive)]
    max_head_size: usize,

    /// Headers of a request over HTTP/1.1
    #[arg(long, env = "INFLUXDB3_MAX_HEADERS", value_name = "COUNT", hide_short_help = true,
        default_value_t = Limits::default().max_headers, value_parser = positive)]
    max_headers: usize,

    /// Bytes of the path and query of a request
    #[arg(long, env = "INFLUXDB3_MAX_TARGET_SIZE", value_name = "BYTES", hide_short_help = true,
        default_value_t = Limits::default().max_target_size, value_parser = positive)]
    max_target_size: usize,

    /// Requests in flight on one HTTP/2 connection
    #[arg(long, env = "INFLUXDB3_MAX_STREAMS", value_name = "COUNT", hide_short_help = true,
        default_value_t = Limits::default().max_streams, value_parser = clap::value_parser!(u32).range(1..))]
    max_streams: u32,

    /// Rejected credentials of one address in a second, before 401 is sent late; 0 for any number
    #[arg(long, env = "INFLUXDB3_MAX_FAILURES", value_name = "COUNT", hide_short_help = true,
        default_value_t = Limits::default().max_failures)]
    max_failures: u32,

    /// How late 401 is sent then
    #[arg(long, env = "INFLUXDB3_FAILURE_DELAY", value_name = "DURATION", hide_short_help = true,
        default_value_t = Limits::default().failure_delay.into(), value_parser = duration)]
    failure_delay: humantime::Duration,

    /// Time for requests in flight to end when the server stops
    #[arg(long, env = "INFLUXDB3_DRAIN_TIMEOUT", value_name = "DURATION", hide_short_help = true,
        default_value_t = Limits::default().drain_timeout.into(), value_parser = duration)]
    drain_timeout: humantime::Duration,
}

impl LimitOptions {
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.max_connections = self.max_connections;
        limits.max_connections_per_address = self.max_connections_per_address;
        limits.max_connection_memory = self.max_connection_memory.saturating_mul(1 << 20);
        limits.handshake_timeout = self.handshake_timeout.into();
        limits.head_timeout = self.head_timeout.into();
        limits.min_head_rate = self.min_head_rate;
        limits.idle_timeout = self.idle_timeout.into();
        limits.write_timeout = self.write_timeout.into();
        limits.max_head_size = self.max_head_size;
        limits.max_headers = self.max_headers;
        limits.max_target_size = self.max_target_size;
        limits.max_streams = self.max_streams;
        limits.max_failures = self.max_failures;
        limits.failure_delay = self.failure_delay.into();
        limits.drain_timeout = self.drain_timeout.into();
        limits
    }
}

/// A number that may not be 0.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("the limit must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

/// A time that is not 0.
fn duration(text: &str) -> Result<humantime::Duration, String> {
    let time: Duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() { Err("the time must be longer than 0".to_owned()) } else { Ok(time.into()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        limits: LimitOptions,
    }

    fn limits(arguments: &[&str]) -> Limits {
        Command::try_parse_from([&["serve"], arguments].concat())
            .map_err(|error| error.to_string())
            .unwrap()
            .limits
            .limits()
    }

    #[test]
    fn the_options_have_the_defaults_of_the_library() {
        assert_eq!(format!("{:?}", limits(&[])), format!("{:?}", Limits::default()));
    }

    #[test]
    fn each_option_sets_its_own_limit() {
        let options = "--max-connections=1 --max-connections-per-address=2 --max-connection-memory=3 --head-timeout=4s \
            --min-head-rate=5 --idle-timeout=6s --write-timeout=7s --max-head-size=8 --max-headers=9 --max-target-size=10 \
            --max-streams=11 --max-failures=12 --failure-delay=13s --drain-timeout=14s \
            --handshake-timeout=15s";
        let expected = "Limits { max_connections: 1, max_connections_per_address: 2, max_connection_memory: 3145728, \
            handshake_timeout: 15s, head_timeout: 4s, min_head_rate: 5, idle_timeout: 6s, write_timeout: 7s, max_head_size: 8, \
            max_headers: 9, max_target_size: 10, max_streams: 11, max_failures: 12, failure_delay: 13s, drain_timeout: 14s }";
        let options: Vec<_> = options.split_whitespace().collect();
        assert_eq!(format!("{:?}", limits(&options)), expected);
    }

    #[test]
    fn a_limit_that_lets_no_request_through_is_an_error() {
        for option in [
            "--max-connections=0",
            "--max-connection-memory=0",
            "--handshake-timeout=0s",
            "--head-timeout=0s",
            "--idle-timeout=0s",
            "--write-timeout=0s",
            "--max-head-size=0",
            "--max-headers=0",
            "--max-target-size=0",
            "--max-streams=0",
        ] {
            assert!(Command::try_parse_from(["serve", option]).is_err(), "{option}");
        }
    }
}
