import type { DocumentDraft } from '../draft.ts';
import { type Reporter, reporter, type Told } from '../issue.ts';
import type { Issue } from '../model.ts';
import { canonicalUuid, uuidFromName } from '../names.ts';
import { RESOURCE_DEFAULTS } from '../resources.ts';
import { SUPERVISION_DEFAULTS } from '../supervision.ts';
import { readApps } from './apps.ts';
import type { DecodeContext, Decoded } from './decode.ts';
import { unwrapped } from './detect.ts';
import { edgeDevConfig } from './messages.ts';
import { readNetworkInstances } from './network-instances.ts';
import { UnknownFields } from './unknown-fields.ts';
import { readUplinks } from './uplinks.ts';

/**
 * Reads EVE's EdgeDevConfig in protobuf's JSON form. What is wrong inside one network instance or app is no reason to refuse the
 * rest: controllers send more than a device can know.
 */
export function readEve(root: unknown, issues: Issue[]): DocumentDraft | undefined {
  const report = reporter('document', issues);
  const unknown = new UnknownFields();
  const context: DecodeContext = {
    report,
    unknownField: (path, value, known) => unknown.add(path, value, known),
  };
  const { path, value } = unwrapped(root);
  const document = edgeDevConfig(value, path, context);
  if (!document) return undefined;
  const networkInstances = readNetworkInstances(document.networkInstances, issues, context);
  const draft: DocumentDraft = {
    device: readDevice(document, report),
    userNamespaces: true,
    supervision: { ...SUPERVISION_DEFAULTS },
    resources: { ...RESOURCE_DEFAULTS },
    forwardBetweenUplinks: false,
    uplinks: document.systemAdapterList.length > 0 ? readUplinks(document, issues, context) : undefined,
    networkInstances,
    apps: readApps(document.apps, networkInstances, issues, context),
  };
  unknown.warn(report);
  return draft;
}

function readDevice(document: Decoded<typeof edgeDevConfig>, report: Reporter): DocumentDraft['device'] {
  const name = document.device_name;
  const told: Told<string> = { path: document.id?.at('uuid') ?? document.at('id'), value: document.id?.uuid ?? '' };
  const uuid = canonicalUuid(told.value);
  if (!uuid && told.value !== '') {
    report.warn(told, 'is not a UUID; one is derived from the name of the device', "write the device's UUID");
  }
  return {
    uuid: uuid ?? uuidFromName('device', name),
    name,
    projectName: document.project_name,
    projectUuid: document.project_id.toLowerCase(),
    enterpriseName: document.enterprise_name,
    enterpriseUuid: document.enterprise_id.toLowerCase(),
  };
}
