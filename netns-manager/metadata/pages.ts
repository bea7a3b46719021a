import type { Answer, MetadataSources, Request } from './caller.ts';

type Page = (request: Request, sources: MetadataSources) => Answer;

/** What apps can GET, with the paths, field names and status codes that EVE's guests know. */
export const pages: ReadonlyMap<string, Page> = new Map([
  ['/eve/v1/network.json', networkJson],
  ['/eve/v1/external_ipv4', externalIpv4],
  ['/eve/v1/hostname', hostname],
]);

function networkJson(request: Request, sources: MetadataSources): Answer {
  const caller = sources.lookup(request.address);
  const external = caller ? sources.external() : [];
  const device = sources.device();
  const body = {
    'caller-ip': `${request.address}:${request.port}`,
    'external-ipv4': external.join(','),
    hostname: caller?.appUuid ?? '',
    'app-instance-uuid': caller?.appUuid ?? '',
    'device-uuid': device?.uuid ?? '',
    'device-name': device?.name ?? '',
    'project-name': device?.projectName ?? '',
    'project-uuid': device?.projectUuid ?? '',
    'enterprise-name': device?.enterpriseName ?? '',
    'enterprise-id': device?.enterpriseUuid ?? '',
  };
  return { status: statusOf(caller !== null, external), contentType: 'application/json', body: JSON.stringify(body) };
}

function externalIpv4(request: Request, sources: MetadataSources): Answer {
  const isKnown = sources.lookup(request.address) !== null;
  const external = isKnown ? sources.external() : [];
  const body = external.map(address => `${address}\n`).join('');
  return { status: statusOf(isKnown, external), contentType: 'text/plain', body };
}

function hostname(request: Request, sources: MetadataSources): Answer {
  const caller = sources.lookup(request.address);
  return { status: caller ? 200 : 204, contentType: 'text/plain', body: caller?.appUuid ?? '' };
}

/** 404: nobody here has that address; 204: the NI has no uplink with an address. */
function statusOf(isKnown: boolean, external: readonly string[]): number {
  if (!isKnown) return 404;
  return external.length === 0 ? 204 : 200;
}
