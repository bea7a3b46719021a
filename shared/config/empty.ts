import type { DeviceConfig } from './model.ts';
import { RESOURCE_DEFAULTS } from './resources.ts';
import { SUPERVISION_DEFAULTS } from './supervision.ts';

/** A device without anything: what there is before the first config. */
export const EMPTY_CONFIG: DeviceConfig = {
  device: { uuid: '', name: '', projectName: '', projectUuid: '', enterpriseName: '', enterpriseUuid: '' },
  uplinks: [],
  networkInstances: [],
  apps: [],
  transitPool: '169.254.64.0/18',
  uidBase: 200_000,
  userNamespaces: true,
  forwardBetweenUplinks: false,
  supervision: SUPERVISION_DEFAULTS,
  resources: RESOURCE_DEFAULTS,
};
