import { hidden, type Reporter, type Told } from '../../issue.ts';
import type { VpnDraft } from '../../vpn/draft.ts';
import { readClientRole } from './client.ts';
import { fieldReport, readFields, SETTINGS } from './fields.ts';
import { readServerRole } from './server.ts';
import { ROLES, type RoleContext } from './tunnel.ts';

const EXAMPLE =
  'for example {"VpnRole":"onPremClient","VpnGatewayIpAddr":"192.0.2.1","VpnSubnetBlock":"192.168.0.0/24",…}';

/**
 * Reads the JSON text in `cfg.oconfig` of a VPN network instance, as EVE's old strongSwan network instance took it (docs/vpn.md).
 * `subnet` is the network instance's own. Undefined when it is refused. No message shows a key.
 */
export function readOpaqueConfig(
  told: Told<string>,
  subnet: string | undefined,
  report: Reporter,
): VpnDraft | undefined {
  const { path, value } = told;
  if (value === '') return void report.refuse({ path, value: undefined }, "the VPN's settings are missing", EXAMPLE);
  // What is no settings may still be a key. A few words are none.
  const shown = /^[A-Za-z][A-Za-z -]*$/.test(value) && value.includes(' ') ? told : hidden(told);
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return void report.refuse(shown, 'is not JSON', `write the VPN's settings as JSON, ${EXAMPLE}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return void report.refuse(shown, 'is not a JSON object', `write the VPN's settings as one, ${EXAMPLE}`);
  }
  const fields = fieldReport(path, report);
  const settings = readFields(parsed as Record<string, unknown>, SETTINGS, '', fields);
  const kind = Object.hasOwn(ROLES, settings.VpnRole) ? ROLES[settings.VpnRole as keyof typeof ROLES] : undefined;
  if (!kind) {
    const reason = settings.VpnRole === '' ? 'VpnRole is missing' : 'VpnRole is not a role';
    fields.refuse(settings.VpnRole || undefined, reason, `use one of ${Object.keys(ROLES).join(', ')}`);
    return undefined;
  }
  const context: RoleContext = { path, subnet, settings, fields };
  const tunnels = kind === 'server' ? readServerRole(context) : readClientRole(context);
  return fields.refused ? undefined : { localBreakout: settings.LocalBreakout, tunnels };
}
