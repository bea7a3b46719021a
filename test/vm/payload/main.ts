import { runCases, tell } from './case.ts';
import { cgroupCases } from './cgroups.ts';
import { IPSEC_AGENT, ipsecCases } from './ipsec.ts';
import { kernelCases } from './kernel.ts';
import { scenarioCases } from './scenario.ts';
import { SWITCH_MANAGER, switchCases } from './switch.ts';

/** The one program that runs in the guest of the stock-kernel tier; also as the agents that its own tests start. */
if (process.argv[2] === IPSEC_AGENT) await import('../../integration/ipsec/agent-main.ts');
else if (process.argv[2] === SWITCH_MANAGER) await import('../../integration/switch/manager.ts');
else {
  const results = [];
  for (const cases of [kernelCases, cgroupCases, switchCases(), ipsecCases(), scenarioCases()])
    results.push(...(await runCases(cases)));
  tell({ cases: results.length });
  process.exit(0);
}
