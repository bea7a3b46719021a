import type { z } from 'zod';
import type { AppDraft, DocumentDraft, NetworkInstanceDraft } from '../draft.ts';
import type { FileReader } from '../files.ts';
import { type Reporter, reporter } from '../issue.ts';
import type { Attachment, Issue } from '../model.ts';
import { uuidFromName } from '../names.ts';
import { below } from '../path.ts';
import { RESOURCE_DEFAULTS, type ResourceLimits } from '../resources.ts';
import { suggester } from '../suggest.ts';
import { readDevice, readUplinks } from './device.ts';
import { readInterfaces } from './interface.ts';
import { readResources } from './resources.ts';
import { appShell, documentShell, networkInstanceSchema } from './schema.ts';
import { type Piece, readPiece } from './shape.ts';
import { readSupervision } from './supervision.ts';
import { toldIn } from './told.ts';
import { readVpn } from './vpn.ts';

/** Reads a document in nibox's own format. What is wrong with its shape, names or references makes all of it invalid. */
export function readNative(root: unknown, issues: Issue[], readFile: FileReader): DocumentDraft | undefined {
  const report = reporter('document', issues);
  const { value: document } = readPiece(documentShell, root, '', report);
  if (!document) return undefined;
  const told = toldIn(document, '');
  const transitPool = told('transitPool');
  const uidBase = told('uidBase');
  const resources = readResources(document.resources, RESOURCE_DEFAULTS, 'resources', report);
  const networkInstances = readNetworkInstances(document.networkInstances ?? [], report, {
    issues,
    readFile,
    resources,
  });
  const hasAllNis = isListOrNothing(root, 'networkInstances');
  return {
    device: readDevice(document.device),
    ...(transitPool.value !== undefined && { transitPool: { path: transitPool.path, value: transitPool.value } }),
    ...(uidBase.value !== undefined && { uidBase: { path: uidBase.path, value: uidBase.value } }),
    userNamespaces: document.userNamespaces ?? true,
    forwardBetweenUplinks: document.forwardBetweenUplinks ?? false,
    supervision: readSupervision(document.supervision, report),
    resources,
    uplinks: document.uplinks ? readUplinks(document.uplinks, report) : undefined,
    networkInstances,
    apps: readApps(document.apps ?? [], hasAllNis ? namesIn(document.networkInstances ?? []) : undefined, report),
  };
}

function isListOrNothing(root: unknown, key: string): boolean {
  const section = (root as Record<string, unknown> | null)?.[key] ?? [];
  return Array.isArray(section);
}

/** Names that are there, even of elements that are wrong otherwise: references to them are no errors. */
function namesIn(elements: unknown[]): Set<string> {
  return new Set(elements.map(element => String((element as { name?: unknown } | null)?.name)));
}

interface Reading {
  /** Takes what is wrong with one network instance alone. */
  issues: Issue[];
  readFile: FileReader;
  /** Limits for those that give none of their own. */
  resources: ResourceLimits;
}

function readNetworkInstances(elements: unknown[], report: Reporter, reading: Reading): NetworkInstanceDraft[] {
  const unique = uniqueness('network instance', report);
  return elements.flatMap((element, index) => {
    const path = below('networkInstances', index);
    const piece = readPiece(networkInstanceSchema, element, path, report);
    if (!piece.value) return [];
    const { name } = piece.value;
    const uuid = piece.value.uuid?.toLowerCase() ?? uuidFromName('network instance', name);
    unique(path, name, uuid);
    return [draftOf(piece, path, uuid, reading)];
  });
}

function draftOf(
  piece: Piece<z.infer<typeof networkInstanceSchema>>,
  path: string,
  uuid: string,
  { issues, readFile, resources }: Reading,
): NetworkInstanceDraft {
  const ni = piece.value!;
  const own: Issue[] = [];
  const told = toldIn(ni, path);
  const range = toldIn(ni.dhcpRange ?? {}, below(path, 'dhcpRange'));
  const range6 = toldIn(ni.dhcpRange6 ?? {}, below(path, 'dhcpRange6'));
  const dnsPath = below(path, 'dns');
  const hostsPath = below(dnsPath, 'hosts');
  return {
    path,
    name: ni.name,
    uuid,
    isPartial: piece.isPartial,
    issues: own,
    type: ni.type ?? 'local',
    activate: ni.activate ?? true,
    flowLog: ni.flowLog ?? true,
    propagateConnectedRoutes: ni.propagateConnectedRoutes ?? false,
    port: told('port'),
    mtu: told('mtu'),
    ipv4: {
      subnet: told('subnet'),
      gateway: told('gateway'),
      rangeStart: range('start'),
      rangeEnd: range('end'),
    },
    ipv6: {
      subnet: told('subnet6'),
      gateway: told('gateway6'),
      rangeStart: range6('start'),
      rangeEnd: range6('end'),
    },
    dnsServers: toldList(ni.dns?.servers, below(dnsPath, 'servers')),
    domain: toldIn(ni.dns ?? {}, dnsPath)('domain'),
    ntpServers: toldList(ni.ntp, below(path, 'ntp')),
    dnsHosts: Object.entries(ni.dns?.hosts ?? {}).map(([name, addresses]) => ({
      name: { path: below(hostsPath, name), value: name },
      addresses: toldList(addresses, below(hostsPath, name)),
    })),
    routes: (ni.routes ?? []).map((route, index) => {
      const toldOfRoute = toldIn(route, below(below(path, 'routes'), index));
      return { destination: toldOfRoute('destination'), gateway: toldOfRoute('gateway') };
    }),
    vpn: {
      path: below(path, 'vpn'),
      value: ni.vpn
        ? readVpn(ni.vpn, below(path, 'vpn'), { report: reporter('ni', issues, own), readFile })
        : undefined,
    },
    resources: readResources(ni.resources, resources, below(path, 'resources'), reporter('ni', issues, own)),
  };
}

function toldList(list: string[] | null | undefined, path: string) {
  return (list ?? []).map((value, index) => ({ path: below(path, index), value }));
}

function readApps(elements: unknown[], niNames: Set<string> | undefined, report: Reporter): AppDraft[] {
  const unique = uniqueness('app', report);
  const suggest = suggester([...(niNames ?? [])]);
  const checkNi = (path: string, name: string): void => {
    if (!niNames || niNames.has(name)) return;
    const near = suggest(name);
    const remedy = near ? `did you mean ${near}?` : 'name one of networkInstances, or add it there';
    report.refuse({ path, value: name }, 'there is no network instance of this name', remedy);
  };
  return elements.flatMap((element, index) => {
    const path = below('apps', index);
    const { value: app } = readPiece(appShell, element, path, report);
    if (!app) return [];
    const uuid = app.uuid?.toLowerCase() ?? uuidFromName('app', app.name);
    unique(path, app.name, uuid);
    return [
      {
        name: app.name,
        uuid,
        activate: app.activate ?? true,
        attach: readAttachment(app.attach, below(path, 'attach'), report),
        interfaces: readInterfaces(app.interfaces ?? [], below(path, 'interfaces'), checkNi, report),
      },
    ];
  });
}

function readAttachment(attach: z.infer<typeof appShell>['attach'], path: string, report: Reporter): Attachment {
  const { netns, pid, tap, user } = attach ?? {};
  const ways = [netns, pid, tap].filter(way => way !== null && way !== undefined && way !== false);
  if (ways.length > 1) {
    report.refuse({ path, value: attach }, 'an app is attached in one way', 'keep one of netns, pid and tap');
  }
  if (user !== null && user !== undefined) {
    const told = { path: below(path, 'user'), value: user };
    if (!tap) report.refuse(told, 'only a TAP has an owner', 'add `tap: true`, or remove it');
    if (!/^([A-Za-z_][A-Za-z0-9_.-]{0,31}|\d{1,9})$/.test(String(user))) {
      report.refuse(told, 'is not a user', 'write the name or number of a user of this device');
    }
  }
  if (typeof netns === 'string') {
    if (/^\/[^\0]+$/.test(netns)) return { kind: 'netns', path: netns };
    if (!/^[^/\s\0]{1,255}$/.test(netns) || netns === '.' || netns === '..') {
      const remedy = 'write a name as `ip netns` shows it, or an absolute path';
      report.refuse({ path: below(path, 'netns'), value: netns }, 'is not a network namespace', remedy);
    }
    return { kind: 'netns', path: `/run/netns/${netns}` };
  }
  if (typeof pid === 'number') {
    if (!Number.isSafeInteger(pid) || pid < 1) {
      report.refuse({ path: below(path, 'pid'), value: pid }, 'is not a process id', 'write a positive whole number');
    }
    return { kind: 'pid', pid };
  }
  return tap ? { kind: 'tap', user: String(user ?? 'root') } : { kind: 'byName' };
}

/** Checks that names and UUIDs of one kind of thing are given once. */
function uniqueness(kind: string, report: Reporter) {
  const names = new Map<string, string>();
  const uuids = new Map<string, string>();
  return (path: string, name: string, uuid: string): void => {
    for (const [seen, field, value] of [
      [names, 'name', name],
      [uuids, 'uuid', uuid],
    ] as const) {
      const first = seen.get(value);
      // Equal names without UUIDs have equal derived UUIDs: that is one error, not two.
      if (first === undefined) seen.set(value, path);
      else if (field === 'name' || names.get(name) === path) {
        const told = { path: below(path, field), value };
        report.refuse(told, `another ${kind} has the same ${field} (${first})`, `give each ${kind} its own ${field}`);
      }
    }
  };
}
