import type { z } from 'zod';
import type { AceDraft, ActionDraft, InterfaceDraft, MatchDraft } from '../draft.ts';
import type { Reporter } from '../issue.ts';
import { below } from '../path.ts';
import { keyOfAce, knownAce, rememberAce } from './known-aces.ts';
import { aceSchema, interfaceShell } from './schema.ts';
import { readPiece } from './shape.ts';
import { toldIn } from './told.ts';

type CheckNi = (path: string, name: string) => void;

/** The interfaces of one app. */
export function readInterfaces(
  elements: unknown[],
  path: string,
  checkNi: CheckNi,
  report: Reporter,
): InterfaceDraft[] {
  const devices = new Map<string, string>();
  const names = new Map<string, string>();
  return elements.flatMap((element, index) => {
    const here = below(path, index);
    const { value, isPartial } = readPiece(interfaceShell, element, here, report);
    if (!value) return [];
    checkNi(below(here, 'networkInstance'), value.networkInstance);
    const device = value.device || `eth${index}`;
    const name = value.name || device;
    const once = (seen: Map<string, string>, key: string, field: 'device' | 'name', of: string) => {
      const first = seen.get(key);
      const told = { path: value[field] ? below(here, field) : here, value: of };
      if (first === undefined) seen.set(key, here);
      else
        report.refuse(told, `another interface of this app has the same ${field} (${first})`, `use another ${field}`);
      return first === undefined;
    };
    if (once(devices, device, 'device', device)) once(names, `${value.networkInstance} ${name}`, 'name', name);
    const told = toldIn(value, here);
    const draft: InterfaceDraft = {
      path: here,
      isPartial,
      issues: [],
      name,
      device,
      networkInstance: value.networkInstance,
      mac: told('mac'),
      ipv4: told('address'),
      ipv6: told('address6'),
      accessVlan: told('accessVlan'),
      acl: readAcl(value.acl ?? [], below(here, 'acl'), report),
    };
    return [draft];
  });
}

function readAcl(elements: unknown[], path: string, report: Reporter): AceDraft[] {
  return elements.flatMap((element, index) => {
    const here = below(path, index);
    const key = keyOfAce(element, here);
    const known = knownAce(key);
    if (known) return [known];
    const { value, isPartial } = readPiece(aceSchema, element, here, report);
    if (!value) return [];
    const draft = draftOf(value, here);
    if (key !== undefined && !isPartial) rememberAce(key, draft);
    return [draft];
  });
}

const MATCH_KEYS = ['ip', 'host', 'eidset', 'protocol', 'lport', 'fport', 'adapter'] as const;

function draftOf(ace: z.infer<typeof aceSchema>, path: string): AceDraft {
  const matches: MatchDraft[] = [];
  for (const key of MATCH_KEYS) {
    const value = ace[key];
    if (value === undefined || value === null || value === false) continue;
    const here = below(path, key);
    matches.push({ type: { path: here, value: key }, value: { path: here, value: String(value) } });
  }
  return {
    path,
    id: toldIn(ace, path)('id'),
    name: ace.name ?? '',
    direction: ace.direction ?? 'both',
    matches,
    actions: actionsOf(ace, path),
  };
}

function actionsOf(ace: z.infer<typeof aceSchema>, path: string): ActionDraft[] {
  const actions: ActionDraft[] = [];
  if (ace.allow) actions.push({ kind: 'allow', path: below(path, 'allow') });
  if (ace.drop) actions.push({ kind: 'drop', path: below(path, 'drop') });
  if (ace.limit) {
    const here = below(path, 'limit');
    const told = toldIn(ace.limit, here);
    actions.push({ kind: 'limit', path: here, rate: told('rate'), unit: told('per'), burst: told('burst') });
  }
  if (ace.portmap !== undefined && ace.portmap !== null) {
    const here = below(path, 'portmap');
    actions.push({ kind: 'portmap', path: here, appPort: { path: here, value: ace.portmap } });
  }
  return actions;
}
