//! One HTTP request to the server, as IIS and the front end's proxy log it.

use vigie_event::Timestamp;

use crate::evtx::Guid;
use crate::machine::{Machine, Protocol};
use crate::plan::SimulateError;

/// A request to one of Exchange's virtual directories.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) method: &'a str,
    /// The host the client asked for.
    pub(crate) host: &'a str,
    pub(crate) stem: &'a str,
    /// Without the question mark.
    pub(crate) query: &'a str,
    pub(crate) action: &'a str,
    /// `FBA`, `Negotiate`, `Basic`...
    pub(crate) auth: &'a str,
    /// Empty when not signed in.
    pub(crate) user: &'a str,
    pub(crate) anchor: &'a str,
    pub(crate) hint: &'a str,
    pub(crate) agent: &'a str,
    pub(crate) client: &'a str,
    pub(crate) status: u16,
    /// What the back end answered, when the request was proxied to it.
    pub(crate) back_end_status: Option<u16>,
    /// What the back end logs, when it logs the request.
    pub(crate) back_end: Option<BackEnd<'a>>,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) millis: u64,
    /// `GenericErrors`.
    pub(crate) errors: &'a str,
}

/// The same request at the back end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BackEnd<'a> {
    pub(crate) stem: &'a str,
    pub(crate) query: &'a str,
    pub(crate) user: &'a str,
}

impl<'a> Request<'a> {
    /// A request nobody signed in for and that was not proxied; callers change what differs.
    pub(crate) fn new(protocol: Protocol, method: &'a str, stem: &'a str) -> Request<'a> {
        Request {
            protocol,
            method,
            host: "",
            stem,
            query: "",
            action: "",
            auth: "FBA",
            user: "",
            anchor: "",
            hint: "",
            agent: "",
            client: "",
            status: 200,
            back_end_status: None,
            back_end: None,
            request_bytes: 0,
            response_bytes: 0,
            millis: 3,
            errors: "",
        }
    }
}

/// A request as IIS alone logs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'a> {
    pub(crate) method: &'a str,
    pub(crate) stem: &'a str,
    pub(crate) query: &'a str,
    pub(crate) user: &'a str,
    pub(crate) agent: &'a str,
    pub(crate) client: &'a str,
    pub(crate) status: u16,
    pub(crate) millis: u64,
}

impl Machine {
    /// Logs a request where Exchange and IIS log it. `time` is when it was answered.
    pub(crate) fn request(&mut self, time: Timestamp, request: &Request<'_>) -> Result<(), SimulateError> {
        let id = Guid::random(&mut self.rng);
        self.proxy_line(time, id, request)?;
        let plain = Plain {
            method: request.method,
            stem: request.stem,
            query: request.query,
            user: request.user,
            agent: request.agent,
            client: request.client,
            status: request.status,
            millis: request.millis,
        };
        self.iis_line(time, &plain, Some(id))?;
        match request.back_end {
            Some(back_end) => self.back_end_line(time, id, request, &back_end),
            None => Ok(()),
        }
    }

    /// Logs a request that only IIS sees: static files, health checks, paths outside Exchange.
    pub(crate) fn plain_request(
        &mut self,
        time: Timestamp,
        request: &Plain<'_>,
    ) -> Result<(), SimulateError> {
        self.iis_line(time, request, None)
    }

    fn iis_line(
        &mut self,
        time: Timestamp,
        request: &Plain<'_>,
        id: Option<Guid>,
    ) -> Result<(), SimulateError> {
        let line = self.iis.begin(time, "")?;
        line.iis(time)
            .b(b' ')
            .s(&self.host.address)
            .b(b' ')
            .s(request.method);
        line.b(b' ').w3c(request.stem).b(b' ');
        match id {
            Some(id) => {
                line.s(request.query)
                    .s("&CorrelationID=<empty>;&cafeReqId=")
                    .guid(id)
                    .b(b';');
            }
            None => {
                line.w3c(request.query);
            }
        }
        line.s(" 443 ")
            .w3c(request.user)
            .b(b' ')
            .s(request.client)
            .b(b' ')
            .w3c(request.agent);
        line.s(" - ")
            .n(u64::from(request.status))
            .s(" 0 0 ")
            .n(request.millis);
        self.iis.end()
    }

    fn back_end_line(
        &mut self,
        time: Timestamp,
        id: Guid,
        request: &Request<'_>,
        back_end: &BackEnd<'_>,
    ) -> Result<(), SimulateError> {
        let local = self.host.link_local.as_str();
        let line = self.iis_back_end.begin(time, "")?;
        line.iis(time)
            .b(b' ')
            .s(local)
            .b(b' ')
            .s(request.method)
            .b(b' ')
            .w3c(back_end.stem);
        line.b(b' ')
            .s(back_end.query)
            .s("&CorrelationID=<empty>;&cafeReqId=")
            .guid(id);
        line.s("; 444 ")
            .w3c(back_end.user)
            .b(b' ')
            .s(local)
            .b(b' ')
            .w3c(request.agent)
            .s(" - ");
        let status = request.back_end_status.unwrap_or(request.status);
        line.n(u64::from(status))
            .s(" 0 0 ")
            .n(request.millis.saturating_sub(3).max(1));
        self.iis_back_end.end()
    }

    fn proxy_line(&mut self, time: Timestamp, id: Guid, request: &Request<'_>) -> Result<(), SimulateError> {
        let r = request;
        let host = &self.host;
        let build = host.build(time);
        let proxied = r.back_end_status.is_some();
        let log = &mut self.proxy[r.protocol as usize];
        let line = log.begin(time, &build.long)?;
        line.iso(time)
            .b(b',')
            .guid(id)
            .b(b',')
            .s(&build.columns)
            .s(",,")
            .s(r.protocol.name())
            .b(b',');
        let url_host = if r.host.is_empty() {
            &host.public_name
        } else {
            r.host
        };
        line.s(url_host)
            .b(b',')
            .s(r.stem)
            .b(b',')
            .s(r.action)
            .b(b',')
            .s(r.auth);
        line.s(if r.user.is_empty() { ",false,," } else { ",true," });
        if !r.user.is_empty() {
            line.s(r.user).b(b',');
        }
        line.b(b',')
            .cell(r.anchor)
            .b(b',')
            .without_commas(r.agent)
            .b(b',')
            .s(r.client)
            .b(b',')
            .s(&host.name);
        line.b(b',').n(u64::from(r.status)).b(b',');
        if let Some(status) = r.back_end_status {
            line.n(u64::from(status));
        }
        line.s(",,").s(r.method).b(b',');
        if proxied {
            line.s("Proxy,")
                .s(&host.fqdn)
                .b(b',')
                .s(&build.target)
                .s(",IntraForest,")
                .s(r.hint);
        } else {
            line.s(",,,,").s(r.hint);
        }
        // BackEndCookie, ServerLocatorHost, ServerLocatorLatency
        line.s(",,,,").n(r.request_bytes).b(b',');
        if proxied {
            line.n(r.response_bytes);
        }
        let own = r.millis.min(3);
        if proxied {
            let back = r.millis - own;
            line.s(",,,0,")
                .n(own.min(1))
                .s(",,0,,0,,0,0,,0,")
                .n(r.millis)
                .s(",0,0,0,0,")
                .n(back);
            line.s(",0,0,0,0,0,")
                .n(r.millis)
                .s(",0,")
                .n(back)
                .b(b',')
                .n(own)
                .b(b',')
                .n(own)
                .b(b',');
            line.n(own).b(b',').n(r.millis).s(",,");
        } else {
            line.s(",,,")
                .n(own.min(1))
                .s(",,,,,,,,,,,")
                .n(r.millis)
                .s(",,,,,,,,,,,,,,")
                .n(own);
            line.s(",,").n(own).b(b',').n(r.millis).s(",,");
        }
        if !r.query.is_empty() {
            if r.query.contains(',') {
                line.b(b'"').b(b'?').s(r.query).b(b'"');
            } else {
                line.b(b'?').s(r.query);
            }
        }
        let begin = time - r.millis as i64 * 1_000;
        line.s(",,BeginRequest=").iso(begin).s(";CorrelationID=<empty>;");
        if proxied {
            line.s("ProxyState-Run=None;FEAuth=BEVersion-")
                .n(build.number)
                .s(";BeginGetResponse=")
                .iso(begin);
            line.s(";OnResponseReady=")
                .iso(time)
                .s(";EndGetResponse=")
                .iso(time);
            line.s(";ProxyState-Complete=ProxyResponseData;");
        }
        line.s("SharedCacheGuard=0;EndRequest=")
            .iso(time)
            .s(";,")
            .cell(r.errors)
            .s(",,");
        if proxied && !r.user.is_empty() {
            line.s("|RoutingDB:").guid(host.database);
        }
        line.s(if proxied { ",,,CafeV1" } else { ",,," });
        log.end()
    }
}
