/**
 * The chain that each way is measured in, in namespaces of its own:
 *
 *     app1, app2 --v1, v2-- br [ni] uplink --transit-- [root] eth0 -- eth0 [outside]
 *
 * With `hops` 1 the bridge is in the root namespace itself, and there is no `ni`.
 */
export const SUBNET = '10.9.0.0/24';
export const GATEWAY = '10.9.0.1';
export const appAddress = (app: number) => `10.9.0.${app + 1}`;
export const appMac = (app: number) => `02:16:3e:00:00:0${app}`;

export const TRANSIT_POOL = '169.254.64.0/18';
export const TRANSIT_ROOT = '169.254.64.1';
export const TRANSIT_INNER = '169.254.64.2';
/** The root end of the transit link, named as nibox names it: prefix and number. */
export const TRANSIT_PREFIX = 'nb';
export const TRANSIT_DEVICE = `${TRANSIT_PREFIX}1`;

export const UPLINK_NETWORK = '203.0.113.0/24';
export const UPLINK_ADDRESS = '203.0.113.2';
export const OUTSIDE = '203.0.113.1';
/** Outside, too, but no ACE allows it. */
export const FORBIDDEN = '198.51.100.1';

export const APPS = [1, 2] as const;
