//! The kinds of events the simulator writes, as Windows Server 2016 declares them.

use crate::evtx::{Guid, Kind};

const AUDIT: Guid = Guid(0x54849625_5478_4994_a5ba_3e3b0328c30d);
const SYSMON: Guid = Guid(0x5770385f_c22a_43e0_bf4c_06f5698ffbd9);
const SERVICES: Guid = Guid(0x555908d1_a6d7_4695_8e1e_26931d2012f4);
const POWERSHELL: Guid = Guid(0xa0c1853b_5c40_4b15_8766_3cf1c58f985a);
const DEFENDER: Guid = Guid(0x11cd958a_c507_4ef3_b3f2_5fd9dfbd2c78);

const fn audit(event_id: u16, version: u8, task: u16) -> Kind {
    Kind {
        provider: "Microsoft-Windows-Security-Auditing",
        guid: Some(AUDIT),
        event_id,
        qualifiers: None,
        version,
        level: 0,
        task,
        opcode: 0,
        keywords: 0x8020_0000_0000_0000,
    }
}

const fn sysmon(event_id: u16, version: u8) -> Kind {
    Kind {
        provider: "Microsoft-Windows-Sysmon",
        guid: Some(SYSMON),
        event_id,
        qualifiers: None,
        version,
        level: 4,
        task: event_id,
        opcode: 0,
        keywords: 0x8000_0000_0000_0000,
    }
}

const fn services(event_id: u16) -> Kind {
    Kind {
        provider: "Service Control Manager",
        guid: Some(SERVICES),
        event_id,
        qualifiers: Some(16_384),
        version: 0,
        level: 4,
        task: 0,
        opcode: 0,
        keywords: 0x8080_0000_0000_0000,
    }
}

const fn classic(provider: &'static str, event_id: u16, level: u8, task: u16, qualifiers: u16) -> Kind {
    Kind {
        provider,
        guid: None,
        event_id,
        qualifiers: Some(qualifiers),
        version: 0,
        level,
        task,
        opcode: 0,
        keywords: 0x80_0000_0000_0000,
    }
}

const fn defender(event_id: u16, level: u8) -> Kind {
    Kind {
        provider: "Microsoft-Windows-Windows Defender",
        guid: Some(DEFENDER),
        event_id,
        qualifiers: None,
        version: 0,
        level,
        task: 0,
        opcode: 0,
        keywords: 0x8000_0000_0000_0000,
    }
}

pub(super) const LOGON: Kind = audit(4_624, 2, 12_544);
pub(super) const LOGOFF: Kind = audit(4_634, 0, 12_545);
pub(super) const SPECIAL_LOGON: Kind = audit(4_672, 0, 12_548);
pub(super) const PROCESS_CREATED: Kind = audit(4_688, 2, 13_312);
pub(super) const USER_CREATED: Kind = audit(4_720, 0, 13_824);
pub(super) const GROUP_MEMBER_ADDED: Kind = audit(4_732, 0, 13_826);

pub(super) const SYSMON_PROCESS: Kind = sysmon(1, 5);
pub(super) const SYSMON_CONNECTION: Kind = sysmon(3, 5);
pub(super) const SYSMON_ACCESS: Kind = sysmon(10, 3);
pub(super) const SYSMON_FILE: Kind = sysmon(11, 2);

pub(super) const SERVICE_INSTALLED: Kind = services(7_045);
pub(super) const SERVICE_STATE: Kind = services(7_036);

pub(super) const CMDLET: Kind = classic("MSExchange CmdletLogs", 1, 4, 1, 16_384);
pub(super) const UNIFIED_MESSAGING: Kind = classic("MSExchange Unified Messaging", 1_081, 2, 1, 49_156);
pub(super) const DIRECTORY_ACCESS: Kind = classic("MSExchangeADAccess", 2_080, 4, 3, 16_388);
pub(super) const ESENT_CREATED: Kind = classic("ESENT", 325, 4, 1, 0);

pub(super) const MALWARE_FOUND: Kind = defender(1_116, 3);
pub(super) const SCAN_DONE: Kind = defender(1_001, 4);

pub(super) const SCRIPT_BLOCK: Kind = Kind {
    provider: "Microsoft-Windows-PowerShell",
    guid: Some(POWERSHELL),
    event_id: 4_104,
    qualifiers: None,
    version: 1,
    level: 5,
    task: 2,
    opcode: 15,
    keywords: 0,
};
