/** Fields that only EVE's documents have at their top. */
const ONLY_EVE_HAS = [
  'systemAdapterList',
  'deviceIoList',
  'contentInfo',
  'configItems',
  'datastores',
  'networks',
  'productName',
  'controllerEpoch',
  'controller_epoch',
  'configTimestamp',
  'config_timestamp',
];
const ONLY_NIBOX_HAS = [
  'device',
  'uplinks',
  'transitPool',
  'uidBase',
  'userNamespaces',
  'forwardBetweenUplinks',
  'supervision',
  'resources',
];
/** Fields by which an element of EVE's networkInstances or apps is known. */
const EVE_ELEMENTS_HAVE = ['uuidandversion', 'displayname', 'instType', 'inst_type', 'ipType', 'ip_type'];

/** Whether a document is EVE's EdgeDevConfig, or a ConfigResponse around it. */
export function looksLikeEve(root: unknown): boolean {
  const document = unwrapped(root).value;
  if (!isObject(document)) return false;
  if (ONLY_NIBOX_HAS.some(key => Object.hasOwn(document, key))) return false;
  if (isObject(root) && document !== root) return true;
  if (ONLY_EVE_HAS.some(key => Object.hasOwn(document, key))) return true;
  if (isObject(document.id) && Object.hasOwn(document.id, 'uuid')) return true;
  return [document.networkInstances, document.network_instances, document.apps]
    .filter(section => Array.isArray(section))
    .some(section => section.some(isEveElement));
}

/** The EdgeDevConfig in a document and its path, whether it is wrapped or not. */
export function unwrapped(root: unknown): { path: string; value: unknown } {
  const isWrapped = isObject(root) && isObject(root.config) && !Object.hasOwn(root, 'networkInstances');
  return isWrapped ? { path: 'config', value: root.config } : { path: '', value: root };
}

function isEveElement(element: unknown): boolean {
  return isObject(element) && EVE_ELEMENTS_HAVE.some(key => Object.hasOwn(element, key));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
