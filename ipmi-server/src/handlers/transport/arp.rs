//! What the LAN channel does below IPMI. The host's network stack does all of it.

use ipmi_proto::command::transport::arp::{
    GetIpUdpRmcpStatistics, GetIpUdpRmcpStatisticsRequest, IpUdpRmcpStatistics, SuspendBmcArps,
    SuspendBmcArpsRequest, SuspendBmcArpsResponse,
};
use ipmi_proto::command::transport::lan_value::ArpControl;
use ipmi_proto::ipmb::CompletionCode;

use crate::handlers::{Context, handlers};

handlers! {
    pure SuspendBmcArps => suspend;
    pure GetIpUdpRmcpStatistics => statistics;
}

fn suspend(
    context: &mut Context<'_>,
    request: SuspendBmcArpsRequest,
) -> Result<SuspendBmcArpsResponse, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    Ok(SuspendBmcArpsResponse {
        sent: ArpControl::default(),
    })
}

/// A datagram counts when it was decided on, as IP, UDP and RMCP packet alike: the BMC sees no others.
fn statistics(
    context: &mut Context<'_>,
    request: GetIpUdpRmcpStatisticsRequest,
) -> Result<IpUdpRmcpStatistics, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    let counters = context.state.datagrams;
    if request.options.clear {
        context.state.datagrams = Default::default();
    }
    Ok(IpUdpRmcpStatistics {
        ip_received: counters.received,
        ip_header_errors: 0,
        ip_address_errors: 0,
        ip_fragments: 0,
        ip_sent: counters.answered,
        udp_received: counters.received,
        rmcp_received: counters.received.saturating_sub(counters.malformed),
        udp_proxy_received: 0,
        udp_proxy_dropped: 0,
    })
}
