//! A simulated machine: who it is, the logs it writes, and what is true about it.

use std::fs::File;
use std::path::{Path, PathBuf};

use vigie_event::{Timestamp, format_utc};

use crate::evtx::{Event, EvtxWriter};
use crate::formats;
use crate::host::Host;
use crate::log_file::{RollingLog, set_modified};
use crate::plan::{SimulateError, failed};
use crate::rng::Rng;
use crate::truth::{ServerTruth, Step};

/// Where Exchange is installed, as a path in the collected tree.
pub(crate) const EXCHANGE: &str = "C/Program Files/Microsoft/Exchange Server/V15";
/// The same as Windows writes it.
pub(crate) const EXCHANGE_DIR: &str = r"C:\Program Files\Microsoft\Exchange Server\V15";

/// The protocols that have an HttpProxy folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Autodiscover,
    Eas,
    Ecp,
    Ews,
    Mapi,
    Oab,
    Owa,
    PowerShell,
    RpcHttp,
}

impl Protocol {
    pub(crate) const ALL: [Protocol; 9] = [
        Protocol::Autodiscover,
        Protocol::Eas,
        Protocol::Ecp,
        Protocol::Ews,
        Protocol::Mapi,
        Protocol::Oab,
        Protocol::Owa,
        Protocol::PowerShell,
        Protocol::RpcHttp,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Autodiscover => "Autodiscover",
            Protocol::Eas => "Eas",
            Protocol::Ecp => "Ecp",
            Protocol::Ews => "Ews",
            Protocol::Mapi => "Mapi",
            Protocol::Oab => "Oab",
            Protocol::Owa => "Owa",
            Protocol::PowerShell => "PowerShell",
            Protocol::RpcHttp => "RpcHttp",
        }
    }
}

/// The event logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Security,
    System,
    Application,
    Management,
    Sysmon,
    PowerShell,
    Defender,
}

impl Channel {
    const ALL: [Channel; 7] = [
        Channel::Security,
        Channel::System,
        Channel::Application,
        Channel::Management,
        Channel::Sysmon,
        Channel::PowerShell,
        Channel::Defender,
    ];

    /// The channel's name; a `/` in it is `%4` in the file name.
    fn name(self) -> &'static str {
        match self {
            Channel::Security => "Security",
            Channel::System => "System",
            Channel::Application => "Application",
            Channel::Management => "MSExchange Management",
            Channel::Sysmon => "Microsoft-Windows-Sysmon/Operational",
            Channel::PowerShell => "Microsoft-Windows-PowerShell/Operational",
            Channel::Defender => "Microsoft-Windows-Windows Defender/Operational",
        }
    }
}

/// A log, to say where something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    Proxy(Protocol),
    Iis,
    IisBackEnd,
    Ecp,
    Oab,
    Event(Channel),
}

/// A machine whose logs are open for writing.
pub(crate) struct Machine {
    pub(crate) host: Host,
    pub(crate) rng: Rng,
    pub(crate) truth: ServerTruth,
    pub(crate) proxy: [RollingLog; 9],
    pub(crate) iis: RollingLog,
    pub(crate) iis_back_end: RollingLog,
    pub(crate) ecp: RollingLog,
    pub(crate) oab: RollingLog,
    pub(crate) cmdlet: RollingLog,
    pub(crate) tracking: RollingLog,
    /// The transport service's running number of messages.
    pub(crate) messages: u64,
    /// The running number of log-on sessions.
    pub(crate) sessions: u64,
    root: PathBuf,
    base: String,
    events: [Option<EventLog>; 7],
}

struct EventLog {
    writer: EvtxWriter<File>,
    path: PathBuf,
    relative: String,
    last: Timestamp,
    records: u64,
}

impl Machine {
    /// A machine whose files go to `root/TENANT/SERVER`.
    pub(crate) fn new(root: &Path, host: Host, rng: Rng, truth: ServerTruth) -> Machine {
        let base = format!("{}/{}", host.tenant, host.name);
        let log = |folder: &str, style| RollingLog::new(root, &format!("{base}/{folder}"), style);
        let exchange = |folder: &str, style| log(&format!("{EXCHANGE}/{folder}"), style);
        Machine {
            proxy: Protocol::ALL
                .map(|p| exchange(&format!("Logging/HttpProxy/{}", p.name()), formats::HTTP_PROXY)),
            iis: log("C/inetpub/logs/LogFiles/W3SVC1", formats::IIS),
            iis_back_end: log("C/inetpub/logs/LogFiles/W3SVC2", formats::IIS),
            ecp: exchange("Logging/ECP/Server", formats::ECP_SERVER),
            oab: exchange("Logging/OABGeneratorLog", formats::OAB_GENERATOR),
            cmdlet: exchange("Logging/CmdletInfra/Powershell-Proxy/Cmdlet", formats::CMDLET),
            tracking: exchange("TransportRoles/Logs/MessageTracking", formats::TRACKING),
            events: Default::default(),
            messages: 40_000_000,
            sessions: 0x3e_7000,
            root: root.to_owned(),
            base,
            host,
            rng,
            truth,
        }
    }

    /// Bytes of logs so far.
    pub(crate) fn bytes(&self) -> u64 {
        let text: u64 = self.text_logs().map(RollingLog::bytes).sum();
        let events: u64 = self.events.iter().flatten().map(|log| log.writer.len()).sum();
        text + events
    }

    fn text_logs(&self) -> impl Iterator<Item = &RollingLog> {
        let others = [
            &self.iis,
            &self.iis_back_end,
            &self.ecp,
            &self.oab,
            &self.cmdlet,
            &self.tracking,
        ];
        self.proxy.iter().chain(others)
    }

    /// Writes one event.
    pub(crate) fn event(&mut self, channel: Channel, event: &Event<'_>) -> Result<(), SimulateError> {
        let slot = channel as usize;
        if self.events[slot].is_none() {
            self.events[slot] = Some(self.open_event_log(channel, event.time)?);
        }
        if let Some(log) = &mut self.events[slot] {
            debug_assert!(
                log.last <= event.time,
                "{}: events must be in order",
                log.relative
            );
            log.records = log.writer.write(event).map_err(failed(&log.path))?;
            log.last = event.time;
        }
        Ok(())
    }

    fn open_event_log(&self, channel: Channel, time: Timestamp) -> Result<EventLog, SimulateError> {
        let folder = format!("{}/C/Windows/System32/winevt/Logs", self.base);
        let full = self.root.join(&folder);
        std::fs::create_dir_all(&full).map_err(failed(&full))?;
        let relative = format!("{folder}/{}.evtx", channel.name().replace('/', "%4"));
        let path = self.root.join(&relative);
        let file = File::create(&path).map_err(failed(&path))?;
        let writer = EvtxWriter::new(file, channel.name(), &self.host.fqdn).map_err(failed(&path))?;
        Ok(EventLog {
            writer,
            path,
            relative,
            last: time,
            records: 0,
        })
    }

    /// Notes a step of the intruder, shown by what was just written to `log`.
    pub(crate) fn step(&mut self, stage: &str, time: Timestamp, log: Log, mark: &str, what: &str) {
        let (file, line, record) = match log {
            Log::Event(channel) => {
                let log = self.events[channel as usize].as_ref();
                let (path, record) = log.map_or_else(Default::default, |l| (l.relative.clone(), l.records));
                (path, None, Some(record))
            }
            text => {
                let (path, line) = self.text_log(text).here();
                (path, Some(line), None)
            }
        };
        self.truth.steps.push(Step {
            stage: stage.to_owned(),
            time: format_utc(time),
            file,
            line,
            record,
            what: what.to_owned(),
            mark: mark.to_owned(),
        });
    }

    fn text_log(&self, log: Log) -> &RollingLog {
        match log {
            Log::Proxy(protocol) => &self.proxy[protocol as usize],
            Log::IisBackEnd => &self.iis_back_end,
            Log::Ecp => &self.ecp,
            Log::Oab => &self.oab,
            Log::Iis | Log::Event(_) => &self.iis,
        }
    }

    /// Puts a file on the machine's disk. `path` is `/`-separated, below the drive: `C/inetpub/...`.
    pub(crate) fn file(
        &mut self,
        path: &str,
        content: &str,
        modified: Timestamp,
    ) -> Result<String, SimulateError> {
        let relative = format!("{}/{path}", self.base);
        let full = self.root.join(&relative);
        if let Some(folder) = full.parent() {
            std::fs::create_dir_all(folder).map_err(failed(folder))?;
        }
        std::fs::write(&full, content).map_err(failed(&full))?;
        let file = File::options().write(true).open(&full).map_err(failed(&full))?;
        set_modified(&file, modified).map_err(failed(&full))?;
        Ok(relative)
    }

    /// Notes a step of the intruder that a file at rest shows.
    pub(crate) fn file_step(&mut self, stage: &str, time: Timestamp, file: String, mark: &str, what: &str) {
        self.truth.steps.push(Step {
            stage: stage.to_owned(),
            time: format_utc(time),
            file,
            line: None,
            record: None,
            what: what.to_owned(),
            mark: mark.to_owned(),
        });
    }

    /// Notes something innocent that looks like an intrusion.
    pub(crate) fn noise(&mut self, time: Timestamp, what: &str) {
        self.truth.noise.push(format!("{} {what}", format_utc(time)));
    }

    /// Closes all logs and hands out what is true.
    pub(crate) fn finish(mut self) -> Result<ServerTruth, SimulateError> {
        for log in &mut self.proxy {
            log.close()?;
        }
        for log in [
            &mut self.iis,
            &mut self.iis_back_end,
            &mut self.ecp,
            &mut self.oab,
            &mut self.cmdlet,
            &mut self.tracking,
        ] {
            log.close()?;
        }
        for log in self.events.into_iter().flatten() {
            let file = log.writer.finish().map_err(failed(&log.path))?;
            set_modified(&file, log.last).map_err(failed(&log.path))?;
        }
        Ok(self.truth)
    }
}

// `Channel as usize` and `Protocol as usize` index arrays of this length.
const _: () = assert!(Channel::ALL.len() == 7 && Protocol::ALL.len() == 9);
