import { hostname } from 'node:os';
import type { z } from 'zod';
import { canonicalAddress, canonicalCidr } from '../../net/address.ts';
import type { Reporter, Told } from '../issue.ts';
import type { DeviceIdentity, UplinkConfig } from '../model.ts';
import { canonicalHostName, isInterfaceName, uuidFromName } from '../names.ts';
import { below } from '../path.ts';
import { RESERVED_LABELS, sharedLabelsFor } from '../uplinks.ts';
import { type deviceSchema, uplinkBodySchema, uplinkSchema } from './schema.ts';
import { readPiece } from './shape.ts';

const MAX_COST = 255;

/** The device's identity; what the document does not say is derived from the host's name. */
export function readDevice(device: z.infer<typeof deviceSchema> | null | undefined): DeviceIdentity {
  const name = device?.name || hostname();
  return {
    uuid: device?.uuid?.toLowerCase() ?? uuidFromName('device', name),
    name,
    projectName: device?.projectName ?? '',
    projectUuid: device?.projectUuid?.toLowerCase() ?? '',
    enterpriseName: device?.enterpriseName ?? '',
    enterpriseUuid: device?.enterpriseUuid?.toLowerCase() ?? '',
  };
}

/** Uplinks, from a list or from a mapping of labels. */
export function readUplinks(section: unknown[] | Record<string, unknown>, report: Reporter): UplinkConfig[] {
  const uplinks: UplinkConfig[] = [];
  const labels = new Set<string>();
  const interfaces = new Set<string>();
  for (const { path, piece, key } of elementsOf(section)) {
    const { value, isPartial } =
      key === undefined
        ? readPiece(uplinkSchema, piece, path, report)
        : readPiece(uplinkBodySchema, piece ?? {}, path, report);
    if (!value) continue;
    const label: string =
      ('label' in value && typeof value.label === 'string' && value.label) || key || value.interface || '';
    const name: string = value.interface || label;
    const at = (field: string, fallback: string): Told<string> => ({
      path: field in value ? below(path, field) : path,
      value: fallback,
    });
    if (name === '') {
      if (!isPartial) report.refuse({ path, value: piece }, 'names no interface', 'add interface, for example eth0');
      continue;
    }
    if (!isInterfaceName(name)) {
      const remedy = 'name one as `ip link` shows it, for example eth0';
      report.refuse(at('interface', name), 'is not the name of an interface', remedy);
    }
    if (RESERVED_LABELS.includes(label)) {
      report.refuse(
        at('label', label),
        'this label has a meaning of its own',
        'use it in labels, and another as label',
      );
    }
    if (labels.has(label)) report.refuse(at('label', label), 'another uplink has this label', 'use another label');
    if (interfaces.has(name)) {
      report.refuse(at('interface', name), 'another uplink has this interface', 'list each interface once');
    }
    labels.add(label);
    interfaces.add(name);
    uplinks.push(buildUplink(value, name, label, path, report));
  }
  return uplinks;
}

function* elementsOf(section: unknown[] | Record<string, unknown>) {
  if (Array.isArray(section)) {
    for (const [index, piece] of section.entries()) yield { path: below('uplinks', index), piece, key: undefined };
  } else {
    for (const [key, piece] of Object.entries(section)) yield { path: below('uplinks', key), piece, key };
  }
}

function buildUplink(
  value: z.infer<typeof uplinkBodySchema>,
  name: string,
  label: string,
  path: string,
  report: Reporter,
): UplinkConfig {
  const cost = value.cost ?? 0;
  if (!Number.isInteger(cost) || cost < 0 || cost > MAX_COST) {
    report.refuse(
      { path: below(path, 'cost'), value: cost },
      'is not a cost',
      `use a whole number from 0 to ${MAX_COST}`,
    );
  }
  const list = (field: 'dns' | 'ntp', read: (text: string) => string | null, what: string) =>
    (value[field] ?? []).flatMap((server, index) => {
      const canonical = read(server);
      const told = { path: below(below(path, field), index), value: server };
      if (!canonical) report.refuse(told, `is not ${what}`, `write ${what}, for example 192.168.0.1`);
      return canonical ?? [];
    });
  const gateway = value.gateway ? canonicalAddress(value.gateway) : undefined;
  if (gateway === null) {
    const isCidr = canonicalCidr(value.gateway ?? '') !== null;
    const remedy = isCidr ? 'write the address without the prefix length' : 'write one, for example 192.168.0.1';
    report.refuse({ path: below(path, 'gateway'), value: value.gateway }, 'is not an IP address', remedy);
  }
  return {
    interface: name,
    label,
    sharedLabels: sharedLabelsFor(value.labels ?? ['uplink'], cost),
    cost,
    ...(gateway && { gateway }),
    dnsServers: list('dns', canonicalAddress, 'an IP address'),
    ntpServers: list('ntp', text => canonicalAddress(text) ?? canonicalHostName(text), 'an IP address or a host name'),
  };
}
