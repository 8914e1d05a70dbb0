//! What Exchange's own components log: the control panel, the address book generator, remote PowerShell, transport.

use vigie_event::Timestamp;

use crate::evtx::{Guid, Sid};
use crate::machine::Machine;
use crate::plan::SimulateError;

/// A cmdlet run in remote PowerShell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cmdlet<'a> {
    pub(crate) user: &'a str,
    pub(crate) sid: Sid,
    /// `ActiveMonitor` for the server's own probes.
    pub(crate) application: &'a str,
    pub(crate) name: &'a str,
    pub(crate) parameters: &'a str,
}

/// A message on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) incoming: bool,
    /// The peer that sent it in or takes it.
    pub(crate) peer: &'a str,
    pub(crate) bytes: u64,
}

impl Machine {
    /// A command of the Exchange control panel.
    pub(crate) fn ecp_command(
        &mut self,
        time: Timestamp,
        command: &str,
        url: &str,
    ) -> Result<(), SimulateError> {
        let session = Guid::random(&mut self.rng);
        let activity = Guid::random(&mut self.rng);
        let millis = self.rng.between(9, 120);
        let build = self.host.build(time);
        let data = format!(
            "S:TIME={millis};S:SID={session};S:CMD={command};S:REQID=;S:URL={url};S:REFERRER=;S:EX=;S:ACTID={activity};S:RS=0;S:BLD={};S:TNAME=<null>;S:TID=;S:USID={session};S:EDOID=;S:ACID=",
            build.short
        );
        let line = self.ecp.begin(time, &build.long)?;
        line.iso(time)
            .b(b',')
            .s(&self.host.name)
            .s(",ECP.Request,")
            .cell(&data);
        self.ecp.end()
    }

    /// A line of the offline address book generator.
    pub(crate) fn oab_line(&mut self, time: Timestamp, message: &str) -> Result<(), SimulateError> {
        let thread = self.rng.between(10, 90);
        let line = self.oab.begin(time, &self.host.build(time).long)?;
        line.iso(time)
            .b(b',')
            .n(thread)
            .b(b',')
            .s(&self.host.name)
            .s(",OABGenerator,")
            .cell(message);
        self.oab.end()
    }

    /// The generator could not keep a download and says which temporary file it leaves. The wording is what
    /// responders look for.
    pub(crate) fn oab_download_failed(&mut self, time: Timestamp, path: &str) -> Result<(), SimulateError> {
        let message = format!("Download failed and temporary file '{path}' needs to be removed");
        self.oab_line(time, &message)
    }

    /// A cmdlet in remote PowerShell.
    pub(crate) fn remote_cmdlet(
        &mut self,
        time: Timestamp,
        cmdlet: &Cmdlet<'_>,
    ) -> Result<(), SimulateError> {
        let (request, unique) = (Guid::random(&mut self.rng), Guid::random(&mut self.rng));
        let thread = self.rng.between(20, 99);
        let host = &self.host;
        let build = host.build(time);
        let line = self.cmdlet.begin(time, &build.long)?;
        line.iso(time)
            .b(b',')
            .iso(time - 16_000)
            .b(b',')
            .guid(request)
            .s(",,")
            .s(&build.columns)
            .b(b',');
        line.s(&host.name)
            .s(",15756,w3wp#MSExchangePowerShellAppPool,")
            .n(thread)
            .s(",,,")
            .s(cmdlet.user);
        line.b(b',').s(&cmdlet.sid.to_string()).s(",,,");
        line.s(if cmdlet.application.is_empty() {
            "True,"
        } else {
            "False,"
        });
        line.s(cmdlet.application)
            .b(b',')
            .s(cmdlet.name)
            .b(b',')
            .cell(cmdlet.parameters)
            .b(b',')
            .guid(unique);
        line.s(",,,GCRandomly,False,").s(&host.dns_domain);
        let controller = format!(",DC01.{}", host.dns_domain);
        line.s(&controller).s(&controller).s(&controller);
        // From ADUserConfigurationDomainController to CmdletProxyLatency, then how long it took.
        line.s(",,,,,,,,,,,,0,,,0,6,8,0,,9,,,6,22681600,15,,Success,,,Cmd=15;Cmd.AD=4;,PSSenderInfo=");
        line.s(cmdlet.user).s(",,,,,").cell(cmdlet.parameters);
        self.cmdlet.end()
    }

    /// A message received and delivered, or submitted and sent.
    pub(crate) fn message(&mut self, time: Timestamp, message: &Message<'_>) -> Result<(), SimulateError> {
        self.messages += 3;
        let id = self.messages;
        let network = Guid::random(&mut self.rng);
        let (source, target) = if message.incoming {
            ("SMTP", "STOREDRIVER")
        } else {
            ("STOREDRIVER", "SMTP")
        };
        let direction = if message.incoming {
            "Incoming"
        } else {
            "Originating"
        };
        let last = if message.incoming { "DELIVER" } else { "SEND" };
        for (component, event) in [(source, "RECEIVE"), ("AGENT", "AGENTINFO"), (target, last)] {
            let host = &self.host;
            let build = host.build(time);
            let line = self.tracking.begin(time, &build.long)?;
            line.iso(time)
                .b(b',')
                .s(message.peer)
                .b(b',')
                .s(&host.fqdn)
                .b(b',')
                .s(&host.address)
                .b(b',')
                .s(&host.name);
            line.s(",08D8DE0C5A11B2F4,").s(&host.name).s(if message.incoming {
                "\\Default "
            } else {
                "\\Outbound "
            });
            line.s(&host.name)
                .b(b',')
                .s(component)
                .b(b',')
                .s(event)
                .b(b',')
                .n(id)
                .s(",<")
                .guid(network)
                .b(b'@');
            line.s(&host.dns_domain)
                .s(">,")
                .guid(network)
                .b(b',')
                .s(message.to)
                .s(",To,")
                .n(message.bytes);
            line.s(",1,,,,")
                .s(message.from)
                .b(b',')
                .s(message.from)
                .s(",04I: ,")
                .s(direction)
                .s(",,")
                .s(message.peer);
            line.b(b',')
                .s(&host.address)
                .s(",S:DeliveryPriority=Normal;S:AccountForest=")
                .s(&host.dns_domain);
            line.s(",Email,").guid(network).b(b',').s(&build.long);
            self.tracking.end()?;
        }
        Ok(())
    }
}
