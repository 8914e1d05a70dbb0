//! A few lines of one log, as they were published after real incidents: the verdict and the stages in their order.

#![allow(clippy::unwrap_used)]

use vigie_hunt::{HostResult, HuntOptions, Verdict, hunt};
use vigie_pack::Pack;

const FIELDS: &str = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
    cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken\n";

fn hunted(lines: &[&str]) -> HostResult {
    let folder = tempfile::tempdir().unwrap();
    let log = format!("{FIELDS}{}\n", lines.join("\n"));
    std::fs::write(folder.path().join("u_ex.log"), log).unwrap();
    let options = HuntOptions {
        packs: vec![Pack::load_embedded("hafnium-2021").unwrap()],
        ..HuntOptions::default()
    };
    let mut result = hunt(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(result.hosts.len(), 1);
    result.hosts.remove(0)
}

#[test]
fn proxylogon_told_by_iis_alone_has_its_stages_in_order() {
    let host = hunted(&[
        "2021-03-03 04:11:01 10.0.0.4 POST /owa/auth/Current/themes/resources/logon.css - 443 - 203.0.113.8 antSword/v2.1 200 0 0 100",
        "2021-03-03 04:11:05 10.0.0.4 POST /ecp/default.flt - 443 - 203.0.113.8 ExchangeServicesClient/0.0.0.0 200 0 0 100",
        "2021-03-03 04:11:06 10.0.0.4 POST /ecp/default.flt - 443 - 203.0.113.8 ExchangeServicesClient/0.0.0.0 241 0 0 100",
        "2021-03-03 04:11:16 10.0.0.4 POST /ecp/DDI/DDIService.svc/SetObject schema=OABVirtualDirectory 444 CORP\\EX01$ 10.0.0.4 ExchangeServicesClient/0.0.0.0 200 0 0 100",
        "2021-03-03 04:11:26 10.0.0.4 POST /ecp/DDI/DDIService.svc/SetObject schema=ResetOABVirtualDirectory 444 CORP\\EX01$ 10.0.0.4 ExchangeServicesClient/0.0.0.0 200 0 0 100",
        "2021-03-03 04:12:26 10.0.0.4 POST /owa/auth/8Lw7tAhF9i1pJnRo.aspx - 443 - 203.0.113.8 Mozilla/5.0 200 0 0 100",
    ]);
    assert_eq!(host.verdict, Verdict::Compromised);
    assert_eq!(
        host.storylines[0].stages,
        ["ssrf", "session", "vdir_write", "web_shell_use"]
    );
}

#[test]
fn proxyshell_told_by_iis_alone_is_a_compromise_once_a_page_takes_orders() {
    let host = hunted(&[
        "2021-08-12 10:01:01 10.0.0.4 GET /autodiscover/autodiscover.json @evil.example/mapi/nspi/?&Email=autodiscover/autodiscover.json%3F@evil.example 443 - 198.51.100.7 Mozilla/5.0 200 0 0 120",
        "2021-08-12 10:01:15 10.0.0.4 POST /autodiscover/autodiscover.json @evil.example/powershell/?X-Rps-CAT=VgEA&Email=autodiscover/autodiscover.json%3F@evil.example 443 - 198.51.100.7 python-requests/2.25.1 200 0 0 420",
        "2021-08-12 10:03:15 10.0.0.4 POST /aspnet_client/kqwpz.aspx - 443 - 198.51.100.7 python-requests/2.25.1 200 0 0 420",
        "2021-08-12 10:03:25 10.0.0.4 POST /aspnet_client/kqwpz.aspx - 443 - 198.51.100.7 python-requests/2.25.1 200 0 0 420",
    ]);
    assert_eq!(host.verdict, Verdict::Compromised);
    assert_eq!(host.storylines[0].stages, ["ssrf", "web_shell_use"]);
}

#[test]
fn a_scanner_that_is_turned_away_is_an_attempt() {
    let host = hunted(&[
        "2021-08-10 10:01:01 10.0.0.4 GET /autodiscover/autodiscover.json @foo.example/mapi/nspi/?&Email=autodiscover/autodiscover.json%3f@foo.example 443 - 198.51.100.77 Mozilla/5.0 401 0 0 12",
        "2021-08-10 10:01:02 10.0.0.4 GET /owa/auth/x.js - 443 - 198.51.100.77 Mozilla/5.0 404 0 0 12",
        "2021-08-10 10:01:03 10.0.0.4 GET /aspnet_client/shell.aspx - 443 - 198.51.100.77 Mozilla/5.0 404 0 0 12",
    ]);
    assert_eq!(host.verdict, Verdict::Attempted);
}
