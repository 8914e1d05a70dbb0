//! Files at rest: web folders with their pages, compiled pages, and what an intruder leaves.
//!
//! Nothing written here can run: pages hold comments and settings, never code.

use vigie_event::{MICROS_PER_DAY, Timestamp, format_utc};

use crate::evtx::Guid;
use crate::host::Host;
use crate::machine::{EXCHANGE, EXCHANGE_DIR, Machine};
use crate::plan::SimulateError;

/// An empty script element: what responders search addresses for, without anything in it.
pub(crate) const INERT_MARKER: &str =
    r#"<script language="JScript" runat="server">/* inert marker of a simulation: no code */</script>"#;

/// A page without content.
pub(crate) const INERT_PAGE: &str =
    "<%-- inert page of a simulation: no code --%>\r\n<html><body></body></html>\r\n";

/// Pages Exchange installs beside the log-on page.
const LOGON_PAGES: [&str; 8] = [
    "logon.aspx",
    "logoff.aspx",
    "errorFE.aspx",
    "expiredpassword.aspx",
    "frowny.aspx",
    "signout.aspx",
    "OutlookCN.aspx",
    "RedirSuiteServiceProxy.aspx",
];

impl Machine {
    /// The web folders as Windows and Exchange install them.
    pub(crate) fn web_folders(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let installed = time - 40 * MICROS_PER_DAY;
        let year_ago = time - 400 * MICROS_PER_DAY;
        let page =
            "<!DOCTYPE html>\r\n<html><head><title>IIS Windows Server</title></head><body></body></html>\r\n";
        self.file("C/inetpub/wwwroot/iisstart.htm", page, year_ago)?;
        let client = "C/inetpub/wwwroot/aspnet_client/system_web/4_0_30319";
        let script = "// stub of a script that ASP.NET installs\r\n";
        self.file(&format!("{client}/WebUIValidation.js"), script, year_ago)?;
        let logon = format!("{EXCHANGE}/FrontEnd/HttpProxy/owa/auth");
        for name in LOGON_PAGES {
            let page =
                format!("<%-- stub of {name} as Exchange installs it --%>\r\n<html><body></body></html>\r\n");
            self.file(&format!("{logon}/{name}"), &page, installed)?;
        }
        let page =
            "<!-- stub of the page that hands out identity tokens -->\r\n<html><body></body></html>\r\n";
        self.file(&format!("{logon}/getidtoken.htm"), page, installed)?;
        let folder = self.host.build(time).folder.clone();
        let script = "// stub of the log-on page's script\r\n";
        self.file(
            &format!("{logon}/{folder}/scripts/premium/flogon.js"),
            script,
            installed,
        )?;
        let page = "<%-- stub of the control panel's time-out page --%>\r\n<html><body></body></html>\r\n";
        self.file(
            &format!("{EXCHANGE}/FrontEnd/HttpProxy/ecp/auth/TimeoutLogoff.aspx"),
            page,
            installed,
        )?;
        compiled_page(self, "owa", "/owa/auth/logon.aspx", time).map(drop)
    }
}

/// What ASP.NET keeps of a page it compiled; the page's own file may be gone.
pub(crate) fn compiled_page(
    m: &mut Machine,
    app: &str,
    page: &str,
    time: Timestamp,
) -> Result<String, SimulateError> {
    let name = page.rsplit('/').next().unwrap_or(page).to_lowercase();
    let hash = m.rng.below(1 << 32);
    let assembly = format!("App_Web_{:08x}", m.rng.below(1 << 32));
    let class = page
        .trim_start_matches('/')
        .replace(['/', '.'], "_")
        .to_lowercase();
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n\
         <preserve resultType=\"3\" virtualPath=\"{page}\" hash=\"{:x}\" filehash=\"{:016x}\" flags=\"110000\" \
         assembly=\"{assembly}\" type=\"ASP.{class}\">\r\n    <filedeps>\r\n        <filedep name=\"{page}\" />\r\n    \
         </filedeps>\r\n</preserve>\r\n",
        m.rng.below(1 << 32),
        m.rng.next()
    );
    let folder = format!("{:08x}/{:08x}", m.rng.below(1 << 32), m.rng.below(1 << 32));
    let path = format!(
        "C/Windows/Microsoft.NET/Framework64/v4.0.30319/Temporary ASP.NET Files/{app}/{folder}/{name}.{hash:08x}.compiled"
    );
    m.file(&path, &content, time)
}

/// An address book directory's settings, as a reset writes them to a file.
pub(crate) fn address_book_dump(host: &Host, time: Timestamp, url: &str) -> String {
    let name = &host.name;
    let metabase = format!("IIS://{}/W3SVC/1/ROOT/OAB", host.fqdn);
    let path = format!(r"{EXCHANGE_DIR}\FrontEnd\HttpProxy\OAB");
    let distinguished = format!(
        "CN=OAB (Default Web Site),CN=HTTP,CN=Protocols,CN={name},CN=Servers,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,CN=First Organization,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC={}",
        host.dns_domain.replace('.', ",DC=")
    );
    let identity = format!(r"{name}\OAB (Default Web Site)");
    let version = format!("Version {}", host.build(time).short);
    let guid = Guid(0x1111_1111_2222_4333_8444_5555_5555_5555).to_string();
    let (changed, internal) = (format_utc(time), format!("https://{}/OAB", host.fqdn));
    let settings: [(&str, &str); 20] = [
        ("Name", "OAB (Default Web Site)"),
        ("PollInterval", "480"),
        ("OfflineAddressBooks", ""),
        ("RequireSSL", "True"),
        ("BasicAuthentication", "False"),
        ("WindowsAuthentication", "True"),
        ("OAuthAuthentication", "True"),
        ("MetabasePath", &metabase),
        ("Path", &path),
        ("ExtendedProtectionTokenChecking", "None"),
        ("ExtendedProtectionFlags", ""),
        ("AdminDisplayVersion", &version),
        ("Server", name),
        ("InternalUrl", &internal),
        ("InternalAuthenticationMethods", "WindowsIntegrated"),
        ("ExternalUrl", url),
        ("DistinguishedName", &distinguished),
        ("Identity", &identity),
        ("Guid", &guid),
        ("WhenChanged", &changed),
    ];
    let mut text = String::from("\r\n");
    for (key, value) in settings {
        text.push_str(&format!("{key:<32}: {value}\r\n"));
    }
    text
}
