import { formatIssue } from '../../shared/config/index.ts';
import type { DeviceConfig } from '../../shared/config/model.ts';
import { codecs, type SupervisedInstance } from '../../shared/proto/messages.ts';
import { type Hub, Publication } from '../../shared/pubsub/index.ts';
import { SUPERVISED_INSTANCE } from '../api/topics.ts';
import type { Attacher } from '../attach/attacher.ts';
import type { Instance } from '../instances/instance.ts';

/** Publishes, for clients of the API, what the supervisor knows of its network instances beside what managers tell. */
export class SupervisionTopic {
  readonly #publication = new Publication({ ...SUPERVISED_INSTANCE, codec: codecs.SupervisedInstance });
  readonly #read: () => ReadonlyMap<string, SupervisedInstance>;
  #due = false;

  constructor(hub: Hub, read: () => ReadonlyMap<string, SupervisedInstance>) {
    this.#read = read;
    hub.add(this.#publication);
  }

  /** Something may have changed. Many calls in one turn are one look. */
  update(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#publication.replaceAll(this.#read());
    });
  }
}

export interface SupervisionSources {
  config: DeviceConfig;
  instances: ReadonlyMap<string, Instance>;
  errors: ReadonlyMap<string, string>;
  attacher: Attacher;
}

/** Every network instance of the config by name. */
export function supervisedInstances(sources: SupervisionSources): Map<string, SupervisedInstance> {
  const { config, instances, errors, attacher } = sources;
  return new Map(
    config.networkInstances.map(({ name, issues }) => {
      const instance = instances.get(name);
      const summary: SupervisedInstance = {
        error: [...issues.map(formatIssue), errors.get(name)].filter(Boolean).join('\n'),
        managerPid: instance?.manager.pid ?? 0,
        managerState: instance?.manager.state ?? 'stopped',
        managerRestarts: instance?.manager.restarts ?? 0,
        managerSince: instance?.manager.since ?? 0,
        uplink: instance?.intent?.uplink?.interface ?? '',
        attachments: (instance?.intent?.vifs ?? []).map(({ app, message: { vif } }) => {
          const { state, error } = attacher.state(vif);
          return { vif, appName: app.name, state, error: error ?? '' };
        }),
      };
      return [name, summary];
    }),
  );
}
