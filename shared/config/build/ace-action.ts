import type { AceDraft, ActionDraft } from '../draft.ts';
import type { Reporter, Told } from '../issue.ts';
import type { AceAction } from '../model.ts';

const DEFAULT_BURST = 5;
const MAX_UINT32 = 4294967295;
const UNITS = ['second', 'minute', 'hour', 'day'] as const;

/** What an ACE does with packets that it fits. */
export function readAction(draft: AceDraft, report: Reporter): AceAction {
  const { actions } = draft;
  const [action, second] = actions;
  if (second) {
    const kinds = actions.map(({ kind }) => kind).join(' and ');
    report.refuse({ path: second.path, value: kinds }, 'an ACE has one action', 'use one ACE for each action');
  }
  if (!action || action.kind === 'allow') return { kind: 'allow' };
  switch (action.kind) {
    case 'drop':
      return { kind: 'drop' };
    case 'limit': {
      const rate = readCount(
        action.rate,
        'the limit has no rate',
        'write how many packets may pass, for example 5',
        report,
      );
      const unit = readUnit(action, report);
      const burst = action.burst.value
        ? readCount(action.burst, '', 'write how many packets may come at once', report)
        : 0;
      return { kind: 'limit', rate, unit, burst: burst || DEFAULT_BURST };
    }
    case 'portmap': {
      const port = action.appPort.value;
      if (!port || !Number.isInteger(port) || port < 1 || port > 65535) {
        const reason = port ? 'is not a port' : "the app's port is missing";
        report.refuse(action.appPort, reason, "write the app's port, 1 to 65535");
      }
      if (draft.direction === 'egress') {
        const reason = 'a port map lets flows in, but the direction is egress';
        report.refuse({ path: action.path, value: port }, reason, 'use direction ingress or both');
      }
      return { kind: 'portmap', appPort: port ?? 0 };
    }
  }
}

function readCount(told: Told<number | undefined>, missing: string, remedy: string, report: Reporter) {
  const count = told.value ?? 0;
  if (count === 0) report.refuse(told, missing, remedy);
  else if (!Number.isInteger(count) || count < 0 || count > MAX_UINT32) report.refuse(told, 'is not a count', remedy);
  return count;
}

function readUnit(action: ActionDraft & { kind: 'limit' }, report: Reporter): (typeof UNITS)[number] {
  const text = (action.unit.value ?? '').toLowerCase();
  const singular = text.length > 1 ? text.replace(/s$/, '') : text;
  // EVE hands it to iptables, which takes any beginning of the word.
  const unit = singular === '' ? undefined : UNITS.find(name => name.startsWith(singular));
  if (!unit) {
    const reason = text === '' ? 'the limit has no unit of time' : 'is not a unit of time';
    report.refuse(action.unit, reason, 'use second, minute, hour or day');
  }
  return unit ?? 'second';
}
