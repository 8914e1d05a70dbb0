//! Requests of people, of Exchange's own probes and of whoever knocks from the Internet.

use vigie_event::{MICROS_PER_DAY, Timestamp};

use super::HOUR;
use crate::http::{BackEnd, Plain, Request};
use crate::machine::{Machine, Protocol};
use crate::plan::SimulateError;
use crate::rng::Rng;

const OUTLOOK: &str = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.12527; Pro)";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.182 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:86.0) Gecko/20100101 Firefox/86.0";
const IPHONE: &str = "Apple-iPhone12C1/1803.53";
const PROBE: &str = "AMProbe/Local/ClientAccess";

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The front end answers its own probe.
    Probe(Protocol),
    /// The monitoring mailbox talks MAPI through the proxy.
    MapiProbe,
    /// The monitoring mailbox runs remote PowerShell.
    PowerShellProbe,
    /// A load balancer asks whether the server is well.
    HealthCheck,
    /// Outlook.
    Outlook,
    /// Outlook on the web.
    Owa,
    /// A telephone.
    Phone,
    /// Outlook's web services: calendar, absence.
    Ews,
    Autodiscover,
    AddressBook,
    /// Somebody on the Internet who looks at every address.
    Stranger,
}

impl Shape {
    /// Draws a kind of request as they occur at this hour.
    pub(crate) fn draw(rng: &mut Rng, hour: Timestamp) -> Shape {
        let of_day = hour.rem_euclid(MICROS_PER_DAY) / HOUR;
        let night = !(6..=19).contains(&of_day);
        match rng.below(1_000) {
            0..12 => Shape::Stranger,
            12..70 => Shape::HealthCheck,
            70..200 if !night => *rng.pick(&[
                Shape::Outlook,
                Shape::Outlook,
                Shape::Outlook,
                Shape::Owa,
                Shape::Owa,
                Shape::Phone,
                Shape::Phone,
                Shape::Ews,
                Shape::Autodiscover,
                Shape::AddressBook,
            ]),
            70..90 => Shape::Phone,
            _ => *rng.pick(&[
                Shape::Probe(Protocol::Ews),
                Shape::Probe(Protocol::Owa),
                Shape::Probe(Protocol::Eas),
                Shape::Probe(Protocol::Oab),
                Shape::Probe(Protocol::RpcHttp),
                Shape::Probe(Protocol::Autodiscover),
                Shape::Probe(Protocol::Ecp),
                Shape::MapiProbe,
                Shape::MapiProbe,
                Shape::MapiProbe,
                Shape::PowerShellProbe,
            ]),
        }
    }
}

/// The path under which a protocol is published.
fn stem(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Autodiscover => "/autodiscover/",
        Protocol::Eas => "/Microsoft-Server-ActiveSync/",
        Protocol::Ecp => "/ecp/",
        Protocol::Ews => "/ews/",
        Protocol::Mapi => "/mapi/",
        Protocol::Oab => "/oab/",
        Protocol::Owa => "/owa/",
        Protocol::PowerShell => "/powershell",
        Protocol::RpcHttp => "/rpc/",
    }
}

impl Machine {
    pub(crate) fn background_request(&mut self, time: Timestamp, shape: Shape) -> Result<(), SimulateError> {
        match shape {
            Shape::Probe(protocol) => self.front_end_probe(time, protocol),
            Shape::MapiProbe => self.mapi_probe(time),
            Shape::PowerShellProbe => self.powershell_probe(time),
            Shape::HealthCheck => {
                // The proxy sees no health check: a probe beside it keeps the hour covered.
                let plain = Plain {
                    method: "GET",
                    stem: "/owa/healthcheck.htm",
                    query: "",
                    user: "",
                    agent: "",
                    client: "10.0.0.5",
                    status: 200,
                    millis: 1,
                };
                self.plain_request(time, &plain)?;
                self.front_end_probe(time, Protocol::Owa)
            }
            Shape::Stranger => self.stranger(time),
            person => self.person(time, person),
        }
    }

    fn front_end_probe(&mut self, time: Timestamp, protocol: Protocol) -> Result<(), SimulateError> {
        let user = self.host.health_mailbox.clone();
        let anchor = self.host.health_sid_anchor.clone();
        let mut request = Request::new(protocol, "GET", stem(protocol));
        request.host = "localhost";
        request.auth = "Negotiate";
        request.user = &user;
        request.anchor = &anchor;
        request.hint = "WindowsIdentity";
        request.agent = PROBE;
        request.client = "127.0.0.1";
        request.millis = self.rng.between(1, 9);
        self.request(time, &request)
    }

    fn mapi_probe(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let (user, local) = (self.host.health_mailbox.clone(), self.host.link_local.clone());
        let (host, database) = (self.host.fqdn.clone(), self.host.database);
        let query = format!("mailboxId={database}@{}", self.host.dns_domain);
        let anchor = format!("MailboxGuid~{database}");
        let mut request = Request::new(Protocol::Mapi, "POST", "/mapi/emsmdb/");
        request.host = &host;
        request.query = &query;
        request.auth = "Negotiate";
        request.user = &user;
        request.anchor = &anchor;
        request.hint = "MailboxGuidWithDomain";
        request.agent = "MapiHttpClient";
        request.client = &local;
        request.back_end_status = Some(200);
        request.back_end = Some(BackEnd {
            stem: "/mapi/emsmdb/",
            query: &query,
            user: &user,
        });
        request.request_bytes = self.rng.between(4, 400);
        request.response_bytes = self.rng.between(90, 450);
        request.millis = self.rng.between(5, 30);
        self.request(time, &request)
    }

    fn powershell_probe(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let (user, local) = (self.host.health_mailbox.clone(), self.host.link_local.clone());
        let host = self.host.fqdn.to_lowercase();
        let query = "clientApplication=ActiveMonitor;PSVersion=5.1.14393.4169";
        let anchor = "ServerVersion~Version 15.1 (Build 2105.0)";
        let mut request = Request::new(Protocol::PowerShell, "POST", "/powershell");
        request.host = &host;
        request.query = query;
        request.action = "Get-Mailbox:Command";
        request.auth = "Kerberos";
        request.user = &user;
        request.anchor = anchor;
        request.hint = "ExchClientVer-ServerCookie";
        request.agent = "Microsoft WinRM Client";
        request.client = &local;
        request.back_end_status = Some(200);
        request.back_end = Some(BackEnd {
            stem: "/powershell",
            query,
            user: &user,
        });
        request.request_bytes = self.rng.between(1_900, 5_200);
        request.response_bytes = self.rng.between(800, 1_000);
        request.millis = self.rng.between(9, 40);
        self.request(time, &request)
    }

    fn person(&mut self, time: Timestamp, shape: Shape) -> Result<(), SimulateError> {
        let index = self.rng.below(self.host.users.len() as u64) as usize;
        let user = self.host.users[index].clone();
        let inside = self.rng.chance(550);
        let (protocol, method, stem, query, action, agent) = match shape {
            Shape::Owa => {
                let action = *self.rng.pick(&[
                    "GetItem",
                    "FindItem",
                    "GetConversationItems",
                    "SubscribeToNotification",
                ]);
                let agent = if index.is_multiple_of(2) { CHROME } else { FIREFOX };
                (
                    Protocol::Owa,
                    "POST",
                    "/owa/service.svc",
                    format!("action={action}&EP=1&UA=0"),
                    action,
                    agent,
                )
            }
            Shape::Phone => {
                let stem = "/Microsoft-Server-ActiveSync/default.eas";
                (Protocol::Eas, "POST", stem, user.eas_query.clone(), "", IPHONE)
            }
            Shape::Ews => (
                Protocol::Ews,
                "POST",
                "/EWS/Exchange.asmx",
                String::new(),
                "",
                OUTLOOK,
            ),
            Shape::Autodiscover => {
                let stem = "/autodiscover/autodiscover.xml";
                (Protocol::Autodiscover, "POST", stem, String::new(), "", OUTLOOK)
            }
            Shape::AddressBook => {
                let stem = "/OAB/6a1c2d3e-4f50-4a61-8b72-9c83ad94be05/oab.xml";
                (
                    Protocol::Oab,
                    "GET",
                    stem,
                    String::new(),
                    "",
                    "Microsoft BITS/7.8",
                )
            }
            _ => (
                Protocol::Mapi,
                "POST",
                "/mapi/emsmdb/",
                user.mailbox_query.clone(),
                "",
                OUTLOOK,
            ),
        };
        let mapi = protocol == Protocol::Mapi;
        let mut request = Request::new(protocol, method, stem);
        request.query = &query;
        request.action = action;
        request.auth = match protocol {
            Protocol::Owa => "FBA",
            Protocol::Eas => "Basic",
            _ => "Negotiate",
        };
        request.user = &user.account;
        request.anchor = if mapi {
            &user.mailbox_anchor
        } else {
            &user.sid_anchor
        };
        request.hint = if mapi {
            "MailboxGuidWithDomain"
        } else {
            "WindowsIdentity"
        };
        request.agent = agent;
        request.client = if inside && protocol != Protocol::Eas {
            &user.inside
        } else {
            &user.outside
        };
        if matches!(request.auth, "Negotiate" | "Basic") && self.rng.chance(150) {
            self.refused_first(time, &request)?;
        }
        request.back_end_status = Some(200);
        if self.rng.chance(700) {
            request.back_end = Some(BackEnd {
                stem,
                query: &query,
                user: &user.account,
            });
        }
        request.request_bytes = self.rng.between(200, 9_000);
        request.response_bytes = self.rng.between(300, 60_000);
        request.millis = self.rng.between(12, 900);
        self.request(time, &request)
    }

    /// The first leg of an integrated log-on is anonymous and refused.
    fn refused_first(&mut self, time: Timestamp, request: &Request<'_>) -> Result<(), SimulateError> {
        let mut first = *request;
        first.user = "";
        first.anchor = "";
        first.hint = "";
        first.status = 401;
        first.millis = 1;
        self.request(time, &first)
    }

    /// Scanners that look at every address: refused, redirected or sent away.
    fn stranger(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let client = format!("198.51.100.{}", self.rng.between(180, 250));
        if self.rng.chance(400) {
            let stems = [
                "/.env",
                "/robots.txt",
                "/manager/html",
                "/phpmyadmin/index.php",
                "/HNAP1/",
                "/favicon.ico",
            ];
            let stem = *self.rng.pick(&stems);
            let plain = Plain {
                method: "GET",
                stem,
                query: "",
                user: "",
                agent: "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
                client: &client,
                status: 404,
                millis: 2,
            };
            self.plain_request(time, &plain)?;
            return self.front_end_probe(time, Protocol::Owa);
        }
        let (protocol, stem, status, auth, agent) = *self.rng.pick(&[
            (
                Protocol::Owa,
                "/owa/auth/logon.aspx",
                200,
                "FBA",
                "Mozilla/5.0 zgrab/0.x",
            ),
            (
                Protocol::Owa,
                "/owa/",
                302,
                "FBA",
                "Expanse indexes the network perimeters of our customers",
            ),
            (
                Protocol::Owa,
                "/owa/auth/x.js",
                302,
                "FBA",
                "Mozilla/5.0 (compatible; NetcraftSurveyAgent/1.0)",
            ),
            (
                Protocol::RpcHttp,
                "/rpc",
                401,
                "NTLM",
                "Mozilla/5.0 (X11; Linux x86_64)",
            ),
            (Protocol::Ecp, "/ecp/", 440, "FBA", "Mozilla/5.0 zgrab/0.x"),
            (
                Protocol::Autodiscover,
                "/autodiscover/",
                401,
                "NTLM",
                "Mozilla/5.0 zgrab/0.x",
            ),
        ]);
        let mut request = Request::new(protocol, "GET", stem);
        let address = self.host.address.clone();
        request.host = &address;
        request.auth = auth;
        request.agent = agent;
        request.client = &client;
        request.status = status;
        self.request(time, &request)
    }
}
