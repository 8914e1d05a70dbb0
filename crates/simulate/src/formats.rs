//! The field lists and file names of the logs an Exchange server writes (Exchange 2016 CU18 and its neighbours).

use crate::log_file::{Header, Style};

/// `Logging\HttpProxy`.
pub(crate) const HTTP_PROXY_FIELDS: &str = "\
    DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,\
    Protocol,UrlHost,UrlStem,ProtocolAction,AuthenticationType,IsAuthenticated,AuthenticatedUser,\
    Organization,AnchorMailbox,UserAgent,ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,\
    ErrorCode,Method,ProxyAction,TargetServer,TargetServerVersion,RoutingType,RoutingHint,\
    BackEndCookie,ServerLocatorHost,ServerLocatorLatency,RequestBytes,ResponseBytes,\
    TargetOutstandingRequests,AuthModulePerfContext,HttpPipelineLatency,\
    CalculateTargetBackEndLatency,GlsLatencyBreakup,TotalGlsLatency,AccountForestLatencyBreakup,\
    TotalAccountForestLatency,ResourceForestLatencyBreakup,TotalResourceForestLatency,ADLatency,\
    SharedCacheLatencyBreakup,TotalSharedCacheLatency,ActivityContextLifeTime,\
    ModuleToHandlerSwitchingLatency,ClientReqStreamLatency,BackendReqInitLatency,\
    BackendReqStreamLatency,BackendProcessingLatency,BackendRespInitLatency,\
    BackendRespStreamLatency,ClientRespStreamLatency,KerberosAuthHeaderLatency,\
    HandlerCompletionLatency,RequestHandlerLatency,HandlerToModuleSwitchingLatency,ProxyTime,\
    CoreLatency,RoutingLatency,HttpProxyOverhead,TotalRequestTime,RouteRefresherLatency,UrlQuery,\
    BackEndGenericInfo,GenericInfo,GenericErrors,EdgeTraceId,DatabaseGuid,UserADObjectGuid,\
    PartitionEndpointLookupLatency,RoutingStatus";

/// `Logging\CmdletInfra\Powershell-Proxy\Cmdlet`.
pub(crate) const CMDLET_FIELDS: &str = "\
    DateTime,StartTime,RequestId,ClientRequestId,MajorVersion,MinorVersion,BuildVersion,\
    RevisionVersion,ServerHostName,ProcessId,ProcessName,ThreadId,CultureInfo,Organization,\
    AuthenticatedUser,ExecutingUserSid,EffectiveOrganization,UserServicePlan,IsAdmin,\
    ClientApplication,Cmdlet,Parameters,CmdletUniqueId,UserBudgetOnStart,ContributeToFailFast,\
    RunspaceSettingsCreationHint,ADViewEntireForest,ADRecipientViewRoot,\
    ADConfigurationDomainControllers,ADPreferredGlobalCatalogs,ADPreferredDomainControllers,\
    ADUserConfigurationDomainController,ADUserPreferredGlobalCatalog,\
    ADuserPreferredDomainControllers,ThrottlingInfo,DelayInfo,ThrottlingDelay,\
    IsOutputObjectRedacted,CmdletProxyStage,CmdletProxyRemoteServer,CmdletProxyRemoteServerVersion,\
    CmdletProxyMethod,ProxiedObjectCount,CmdletProxyLatency,OutputObjectCount,ParameterBinding,\
    BeginProcessing,ProcessRecord,EndProcessing,StopProcessing,BizLogic,PowerShellLatency,\
    UserInteractionLatency,ProvisioningLayerLatency,ActivityContextLifeTime,TotalTime,ErrorType,\
    ExecutionResult,CacheHitCount,CacheMissCount,GenericLatency,GenericInfo,GenericErrors,\
    ObjectGuid,ExternalDirectoryOrganizationId,ExternalDirectoryObjectId,NonPiiParameters";

/// `TransportRoles\Logs\MessageTracking`.
pub(crate) const TRACKING_FIELDS: &str = "\
    date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,\
    source,event-id,internal-message-id,message-id,network-message-id,recipient-address,\
    recipient-status,total-bytes,recipient-count,related-recipient-address,reference,\
    message-subject,sender-address,return-path,message-info,directionality,tenant-id,\
    original-client-ip,original-server-ip,custom-data,transport-traffic-type,log-id,schema-version";

/// IIS, the fields logged by default.
pub(crate) const IIS_FIELDS: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
    cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken";

/// `Logging\ECP\Server`.
pub(crate) const ECP_FIELDS: &str = "TimeStamp,ServerName,EventId,EventData";

/// `Logging\OABGeneratorLog`.
pub(crate) const OAB_FIELDS: &str = "DateTime,ThreadId,ServerName,Category,Message";

/// One log per protocol folder.
pub(crate) const HTTP_PROXY: Style = Style {
    prefix: "HttpProxy_",
    hourly: true,
    header: Header::Logging {
        log_type: "HttpProxy Logs",
        fields: HTTP_PROXY_FIELDS,
        version: None,
    },
};

/// Front end and back end alike.
pub(crate) const IIS: Style = Style {
    prefix: "u_ex",
    hourly: false,
    header: Header::W3c { fields: IIS_FIELDS },
};

/// The ECP's own log; its version never changes.
pub(crate) const ECP_SERVER: Style = Style {
    prefix: "ECPServer",
    hourly: false,
    header: Header::Logging {
        log_type: "ECP Server Log",
        fields: ECP_FIELDS,
        version: Some("15.0.0.0"),
    },
};

/// The offline address book generator.
pub(crate) const OAB_GENERATOR: Style = Style {
    prefix: "OABGenerator",
    hourly: false,
    header: Header::Logging {
        log_type: "OABGenerator Log",
        fields: OAB_FIELDS,
        version: Some("15.0.0.0"),
    },
};

/// Remote PowerShell.
pub(crate) const CMDLET: Style = Style {
    prefix: "Rps_Cmdlet_",
    hourly: true,
    header: Header::Logging {
        log_type: "Rps Cmdlet Logs",
        fields: CMDLET_FIELDS,
        version: None,
    },
};

/// Message tracking of the transport service.
pub(crate) const TRACKING: Style = Style {
    prefix: "MSGTRK",
    hourly: true,
    header: Header::Transport {
        log_type: "Message Tracking Log",
        fields: TRACKING_FIELDS,
    },
};
