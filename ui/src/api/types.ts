import type { components } from "./schema";

// The types of the API's document, by the names it gives them.
type Schemas = components["schemas"];
export type Account = Schemas["Account"];
export type AccountFields = Schemas["AccountFields"];
export type Alert = Schemas["Alert"];
export type Board = Schemas["Board"];
export type BoardTenant = Board["tenants"]["items"][number];
export type BoardServer = Schemas["BoardServer"];
export type Campaign = Schemas["Campaign"];
export type Case = Schemas["CaseDetail"];
export type CaseFields = Schemas["CaseFields"];
export type CaseLink = Schemas["CaseLink"];
export type Cell = Schemas["Cell"];
export type Clock = Schemas["Clock"];
export type CurvePoint = Schemas["Point"];
export type Decision = Schemas["Decision"];
export type Dismissal = Schemas["Dismissal"];
export type Entry = Schemas["Entry"];
export type Evidence = Schemas["Evidence"];
export type EvidenceFields = Schemas["EvidenceFields"];
export type Fact = Schemas["FactJson"];
export type Finding = Schemas["Finding"];
export type FindingLine = Schemas["FindingLine"];
export type Hold = Schemas["Hold"];
export type Hunt = Schemas["Hunt"];
export type HuntServer = Schemas["HuntServer"];
export type Identity = Schemas["Linked"];
export type Item = Schemas["CaseItem"];
export type ItemBody = Schemas["CaseItemBody"];
export type Job = Schemas["Job"];
export type Observation = Schemas["Observation"];
export type PackCurve = Schemas["PackCurve"];
export type Person = Schemas["Person"];
export type QueueEntry = Schemas["QueueEntry"];
export type SavedView = Schemas["SavedView"];
export type Server = Schemas["Server"];
export type ServerFields = Schemas["ServerFields"];
export type Session = Schemas["WhoAmI"];
export type Tenant = Schemas["Tenant"];
export type TenantFields = Schemas["TenantFields"];
export type Upload = Schemas["Upload"];
export type Verb = Schemas["Verb"];

/** Something said in both languages. */
export interface Said {
  en: string;
  fr: string;
}
