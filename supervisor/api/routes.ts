import { ApiError, messageOf } from './api-error.ts';
import type { DaemonControl } from './contract.ts';

/** One request, as far as the routes look at it. */
export interface Call {
  /** The path's last segment, decoded; undefined: there is none. */
  name: string | undefined;
  query: URLSearchParams;
  body(): Promise<string>;
}

interface Route {
  method: 'GET' | 'POST';
  name: 'none' | 'required' | 'optional';
  answer(control: DaemonControl, call: Call): unknown;
}

const routes: Readonly<Record<string, Route>> = {
  status: { method: 'GET', name: 'none', answer: control => control.status() },
  flows: { method: 'GET', name: 'required', answer: (control, call) => control.flows(knownInstance(control, call)) },
  apply: {
    method: 'POST',
    name: 'none',
    answer: async (control, { query, body }) =>
      control.apply(await body(), query.get('name') || 'config', { dryRun: query.get('dry-run') === '1' }),
  },
  restart: {
    method: 'POST',
    name: 'required',
    answer: acting(control => control.restart),
  },
  'start-manager': { method: 'POST', name: 'required', answer: acting(control => control.startManager) },
  'stop-manager': { method: 'POST', name: 'required', answer: acting(control => control.stopManager) },
  upgrade: {
    method: 'POST',
    name: 'none',
    answer: (control, { query }) => control.upgrade(query.get('bundle') ?? undefined),
  },
  audit: {
    method: 'POST',
    name: 'none',
    answer: (control, { query }) => control.audit({ fix: query.get('fix') === '1' }),
  },
  // The server begins the stop when this is answered: afterwards there is nobody to answer.
  stop: { method: 'POST', name: 'none', answer: control => ({ pid: control.status().supervisor.pid }) },
  'log-file': {
    method: 'GET',
    name: 'optional',
    answer: (control, call) => ({
      path: control.logFile(call.name === undefined ? null : knownInstance(control, call)),
    }),
  },
  target: { method: 'GET', name: 'required', answer: targetOf },
};

/** Finds what answers a method and path. Throws ApiError 400, 404 or 405. */
export function findRoute(method: string, pathname: string): { verb: string; route: Route; name: string | undefined } {
  const [version, verb = '', encoded, ...rest] = pathname.split('/').slice(1);
  const route = version === 'v1' && rest.length === 0 && Object.hasOwn(routes, verb) ? routes[verb] : undefined;
  const name = encoded ? decode(encoded) : undefined;
  const fits = route && (route.name === 'optional' || (route.name === 'required') === (name !== undefined));
  if (!route || !fits) {
    const paths = Object.entries(routes).map(([verb, { name }]) => `/v1/${verb}${suffixes[name]}`);
    const remedy = `there are ${paths.join(', ')} and the WebSocket /v1/pubsub`;
    throw new ApiError(404, { code: 'ERR_NO_SUCH_PATH', message: `there is no ${pathname}`, remedy });
  }
  if (method !== route.method) {
    const message = `${pathname} does not take ${method}`;
    throw new ApiError(405, { code: 'ERR_METHOD', message, remedy: `use ${route.method}` });
  }
  return { verb, route, name };
}

/** Of what is done to one network instance, and has nothing to tell. */
function acting(verb: (control: DaemonControl) => (name: string) => Promise<void>): Route['answer'] {
  return async (control, call) => {
    await verb(control)(knownInstance(control, call));
    return {};
  };
}

const suffixes = { none: '', required: '/NAME', optional: '[/NAME]' };

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    const message = `${segment} is not percent-encoded UTF-8`;
    throw new ApiError(400, { code: 'ERR_BAD_PATH', message, remedy: 'encode the name' }, { cause });
  }
}

function knownInstance(control: DaemonControl, { name = '' }: Call): string {
  const known = control.status().networkInstances.map(instance => instance.name);
  if (known.includes(name)) return name;
  throw new ApiError(404, {
    code: 'ERR_UNKNOWN_NI',
    message: `there is no network instance ${name}`,
    remedy: known.length > 0 ? `there are ${known.join(', ')}` : 'there is none at all: apply a config that has some',
  });
}

function targetOf(control: DaemonControl, { name = '' }: Call): unknown {
  const { networkInstances, apps } = control.status();
  const known = [...networkInstances, ...apps].map(target => target.name);
  try {
    return control.target(name);
  } catch (cause) {
    const remedy = `network instances and apps are ${known.join(', ') || 'not configured'}`;
    throw new ApiError(404, { code: 'ERR_UNKNOWN_TARGET', message: messageOf(cause), remedy }, { cause });
  }
}
