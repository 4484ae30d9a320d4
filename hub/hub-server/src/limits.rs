//! From the limits that are written to those of the sandbox and of the way out.

use std::time::Duration;

use hub_config::LimitsConfig;
use plugin_gateway::HttpLimits;
use plugin_host::Limits;

/// The limits of all connections, or of one: later tables count before earlier ones.
pub fn limits(tables: &[&LimitsConfig]) -> (Limits, HttpLimits) {
    let (mut guest, mut http) = (Limits::default(), HttpLimits::default());
    for (key, value) in tables.iter().flat_map(|table| table.written()) {
        set(&mut guest, &mut http, key, value);
    }
    (guest, http)
}

fn set(guest: &mut Limits, http: &mut HttpLimits, key: &str, value: u32) {
    let count = usize::try_from(value).unwrap_or(usize::MAX);
    let millis = Duration::from_millis(value.into());
    let seconds = Duration::from_secs(value.into());
    match key {
        "memory_bytes_max" => guest.memory_bytes_max = count,
        "table_elements_max" => guest.table_elements_max = count,
        "copied_bytes_max" => guest.copied_bytes_max = count,
        "log_lines_max" => guest.log_lines_max = value,
        "log_line_bytes_max" => guest.log_line_bytes_max = count,
        "cpu_ms_max" => guest.cpu = millis,
        "cpu_of_run_ms_max" => guest.cpu_of_run = millis,
        "wall_seconds_max" => guest.wall = seconds,
        "calls_per_instance_max" => guest.calls_per_instance_max = value,
        "recycle_above_bytes" => guest.recycle_above_bytes = count,
        "page_bytes_max" => guest.page_bytes_max = count,
        "page_items_max" => guest.page_items_max = count,
        "cursor_bytes_max" => guest.cursor_bytes_max = count,
        "stack_bytes_max" => guest.stack_bytes_max = count,
        "concurrent_calls_max" => guest.concurrent_calls_max = count,
        "idle_instances_max" => guest.idle_instances_max = count,
        "threads" => guest.threads = count,
        "http_calls_max" => http.calls_max = value,
        "http_connect_seconds_max" => http.connect_timeout = seconds,
        "http_seconds_max" => http.total_timeout = seconds,
        "mail_verdict_seconds_max" => http.mail_verdict_timeout = seconds,
        "request_bytes_max" => http.request_bytes_max = count,
        "response_bytes_max" => http.response_bytes_max = count,
        "header_bytes_max" => http.header_bytes_max = count,
        "compression_ratio_max" => http.compression_ratio_max = count,
        // The table of settings is closed, and a test holds it against this one.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use hub_config::LIMITS;
    use plugin_gateway::HttpLimits;
    use plugin_host::Limits;

    use super::set;

    #[test]
    fn every_setting_has_its_effect_and_its_default() {
        let usual = (Limits::default(), HttpLimits::default());
        for limit in LIMITS {
            let (mut guest, mut http) = usual.clone();
            set(&mut guest, &mut http, limit.key, limit.usual);
            assert_eq!((&guest, &http), (&usual.0, &usual.1), "{} is another", limit.key);
            set(&mut guest, &mut http, limit.key, limit.min);
            assert_ne!((&guest, &http), (&usual.0, &usual.1), "{} has no effect", limit.key);
        }
    }
}
