// How many members a warm pool keeps free and how many it may have at all.
import * as z from 'zod';
import { withRules } from './rules.ts';
import { durationText, integer } from './text.ts';

/** Slots are numbered below this; more members belong in more pools. */
export const membersMaximum = 10_000;

export const scaling = withRules(
  z.object({
    minFree: integer(0, membersMaximum).describe(
      'Members kept free and ready at all times. Claims served in a burst larger than ' +
        'this wait for Azure. With zones it is spread evenly over them.',
    ),
    maxFree: integer(0, membersMaximum).describe(
      'Free members beyond this are removed, the longest free first, once ' +
        'scaleDownCooldown is over.',
    ),
    maxTotal: integer(1, membersMaximum).describe(
      'Members that may exist at once in any state; claims beyond it wait. This bounds the cost.',
    ),
    scaleDownCooldown: durationText({ minimum: '0s', maximum: '168h' })
      .describe(
        'Time after a removal, and after growth, in which no further free member is ' +
          'removed; growth itself never waits. A duration such as `10m`.',
      )
      .default('10m'),
    discoveryInterval: durationText({ minimum: '5s', maximum: '24h' })
      .describe(
        'How often Azure is asked for what really exists, to find drift and leftovers. A ' +
          'duration such as `1m`.',
      )
      .default('1m'),
  }),
  {
    rule: 'self.minFree <= self.maxFree',
    message:
      'spec.scaling.minFree must not be greater than maxFree: raise maxFree or lower minFree',
    fieldPath: '.minFree',
  },
  {
    rule: 'self.maxFree <= self.maxTotal',
    message:
      'spec.scaling.maxFree must not be greater than maxTotal: raise maxTotal or lower maxFree',
    fieldPath: '.maxFree',
  },
);

export type Scaling = z.output<typeof scaling>;
