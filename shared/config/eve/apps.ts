import { parseAddress } from '../../net/address.ts';
import type { AceDraft, ActionDraft, AppDraft, InterfaceDraft, NetworkInstanceDraft } from '../draft.ts';
import { type Reporter, reporter, type Told } from '../issue.ts';
import type { Issue } from '../model.ts';
import { below } from '../path.ts';
import type { DecodeContext, Decoded, Raw } from './decode.ts';
import { Identities } from './identity.ts';
import { appInstance, networkAdapter } from './messages.ts';

type EveAdapter = Decoded<typeof networkAdapter>;
type EveAce = NonNullable<EveAdapter['acls'][number]>;

/** The apps of a document. What is wrong with an app as a whole refuses each of its interfaces. */
export function readApps(
  elements: Raw[],
  networkInstances: NetworkInstanceDraft[],
  issues: Issue[],
  context: DecodeContext,
): AppDraft[] {
  const niNames = new Map(networkInstances.map(ni => [ni.uuid, ni.name]));
  const read = elements.flatMap(({ value, path }) => {
    const own: Issue[] = [];
    const report = reporter('interface', issues, own);
    const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
    const app = appInstance(value, path, { ...context, report: isMapping ? report : context.report });
    return app ? [{ app, own, report }] : [];
  });
  const identities = new Identities(
    'app',
    read.map(({ app }) => app),
    context.report,
  );
  return read.map(({ app, own, report }, index) => {
    const identity = identities.identify(app, index, report);
    const names = new Set<string>();
    const interfaces = app.interfaces.flatMap((element, position) => {
      const draft = readInterface(element, position, { niNames, names, issues, context });
      return draft ? [{ ...draft, issues: [...own, ...draft.issues] }] : [];
    });
    return { ...identity, activate: app.activate, attach: { kind: 'byName' }, interfaces };
  });
}

interface InterfaceContext {
  niNames: Map<string, string>;
  /** Taken ones, of `NI name`. */
  names: Set<string>;
  issues: Issue[];
  context: DecodeContext;
}

function readInterface(element: Raw, position: number, from: InterfaceContext): InterfaceDraft | undefined {
  const own: Issue[] = [];
  const report = reporter('interface', from.issues, own);
  const adapter = networkAdapter(element.value, element.path, { ...from.context, report });
  if (!adapter) return undefined;
  const isPartial = own.length > 0;
  const networkInstance = from.niNames.get(adapter.networkId.toLowerCase()) ?? '';
  if (networkInstance === '' && !(isPartial && adapter.networkId === '')) {
    const told = { path: adapter.at('networkId'), value: adapter.networkId || undefined };
    const reason = adapter.networkId === '' ? 'the network instance is missing' : 'no network instance has this UUID';
    report.refuse(told, reason, 'write the UUID of one of networkInstances');
  }
  const { addr } = adapter;
  const family = parseAddress(addr)?.family ?? 4;
  const at = (field: 'addr' | 'macAddress', value: string | undefined) => ({
    path: adapter.at(field),
    value: value || undefined,
  });
  return {
    path: adapter.path,
    isPartial,
    issues: own,
    name: uniqueName(adapter, networkInstance, position, from.names, report),
    device: `eth${position}`,
    networkInstance,
    mac: at('macAddress', adapter.macAddress),
    ipv4: at('addr', family === 4 ? addr : undefined),
    ipv6: at('addr', family === 6 ? addr : undefined),
    accessVlan: { path: adapter.at('access_vlan_id'), value: adapter.access_vlan_id },
    acl: adapter.acls.flatMap(ace => (ace ? [aceOf(ace)] : [])),
  };
}

/** EVE lets one app have several interfaces of one name in one network instance; status could not tell them apart. */
function uniqueName(adapter: EveAdapter, ni: string, position: number, taken: Set<string>, report: Reporter): string {
  const wanted = adapter.name || `eth${position}`;
  const told: Told<string> = { path: adapter.at('name'), value: wanted };
  let name = wanted;
  for (let count = 2; taken.has(`${ni} ${name}`); count++) name = `${wanted}-${count}`;
  taken.add(`${ni} ${name}`);
  if (name !== wanted) {
    const reason = `another interface of this app in the same network instance has this name; nibox calls this one ${name}`;
    report.warn(told, reason, 'give each interface its own name');
  }
  return name;
}

const DIRECTIONS: Record<number, AceDraft['direction']> = { 1: 'ingress', 2: 'egress' };

function aceOf(ace: EveAce): AceDraft {
  return {
    path: ace.path,
    id: { path: ace.at('id'), value: ace.id === 0 ? undefined : ace.id },
    name: ace.name,
    direction: DIRECTIONS[ace.dir] ?? 'both',
    matches: ace.matches.flatMap(match => {
      if (!match) return [];
      const type = { path: match.at('type'), value: match.type };
      return [{ type, value: { path: match.at('value'), value: match.value } }];
    }),
    actions: ace.actions.flatMap(action => (action ? actionsOf(action) : [])),
  };
}

function actionsOf(action: NonNullable<EveAce['actions'][number]>): ActionDraft[] {
  const { path } = action;
  const count = (field: 'limitrate' | 'limitburst' | 'appPort') => ({
    path: action.at(field),
    value: action[field] === 0 ? undefined : action[field],
  });
  const actions: ActionDraft[] = [];
  if (action.drop) actions.push({ kind: 'drop', path: action.at('drop') });
  if (action.limit) {
    const unit = { path: action.at('limitunit'), value: action.limitunit || undefined };
    actions.push({
      kind: 'limit',
      path: below(path, 'limit'),
      rate: count('limitrate'),
      unit,
      burst: count('limitburst'),
    });
  }
  if (action.portmap) actions.push({ kind: 'portmap', path: action.at('portmap'), appPort: count('appPort') });
  return actions.length > 0 ? actions : [{ kind: 'allow', path }];
}
