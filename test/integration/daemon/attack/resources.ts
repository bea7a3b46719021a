import assert from 'node:assert/strict';
import type { Attack } from './stage.ts';

/** Using up what others need. */
export const RESOURCE_ATTACKS: Attack[] = [
  {
    id: 'fork-bomb',
    run: async stage => {
      const bomb = stage.attack(
        'perl -e \'for (1 .. 3000) { my $p = fork(); die "limit at $_\\n" unless defined $p; if (!$p) { sleep 6; exit } } print "no limit\\n"\'',
      );
      for (let i = 0; i < 5; i++) await stage.mustBeUndisturbed();
      const { output } = await bomb;
      assert.match(output, /limit at \d+/);
      await stage.heal();
    },
  },
];
