import type { SwitchPort } from '../../../shared/proto/messages.ts';
import type { Chain } from '../table.ts';
import type { Vif } from '../vif.ts';

/** The chains at the bridge's hooks. What neither comes from nor goes to an app passes between the ports as on any switch. */
export function switchBaseChains(ports: readonly SwitchPort[], vifs: readonly Vif[]): Chain[] {
  const devices = ports.flatMap(port => [port.name, port.deviceEnd]).map(name => `"${name}"`);
  const senders = vifs.map(vif => `"${vif.device}" . ${vif.mac} : goto vif_${vif.number}`);
  const receivers = [
    ...devices.map(name => `${name} : accept`),
    ...vifs.map(vif => `"${vif.device}" : goto to_${vif.number}`),
  ];
  return [
    hook('prerouting', [
      ...(senders.length === 0 ? [] : [`iifname . ether saddr vmap { ${senders.join(', ')} }`]),
      ...(devices.length === 0 ? [] : [`iifname { ${devices.join(', ')} } accept`]),
      'goto strange', // not the VIF's own MAC
    ]),
    hook('forward', receivers.length === 0 ? [] : [`oifname vmap { ${receivers.join(', ')} }`]),
    hook('input', []), // the namespace itself takes part in nothing
  ];
}

function hook(name: string, rules: string[]): Chain {
  return { name, hook: `type filter hook ${name} priority filter; policy drop;`, rules };
}
