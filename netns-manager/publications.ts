import { codecs } from '../shared/proto/messages.ts';
import { Hub, Publication } from '../shared/pubsub/index.ts';

/** All that a manager tells of its network instance. */
export class Publications {
  readonly hub = new Hub();
  readonly status;
  readonly interfaces;
  readonly metrics;
  readonly flows;
  readonly dnsRequests;
  readonly items;
  readonly vpn;

  constructor(name: string) {
    const scope = { agent: 'manager', scope: name };
    this.status = new Publication({ ...scope, codec: codecs.NetworkInstanceStatus });
    this.interfaces = new Publication({ ...scope, codec: codecs.AppInterfaceStatus });
    this.metrics = new Publication({ ...scope, codec: codecs.NetworkInstanceMetrics });
    this.flows = new Publication({ ...scope, codec: codecs.FlowBatch });
    this.dnsRequests = new Publication({ ...scope, codec: codecs.DnsRequest });
    this.items = new Publication({ ...scope, codec: codecs.ItemState });
    this.vpn = new Publication({ ...scope, codec: codecs.VpnStatus });
    this.hub.add(this.status);
    this.hub.add(this.interfaces);
    this.hub.add(this.metrics);
    this.hub.add(this.flows);
    this.hub.add(this.dnsRequests);
    this.hub.add(this.items);
    this.hub.add(this.vpn);
  }
}
