import fc from 'fast-check';

/** Any way to go from zone to zone. */
export const zonal = fc.record({
  tagKey: fc.constant('zone'),
  minimumPerZone: fc.oneof(
    fc.record({ type: fc.constant('HOST_COUNT' as const), value: fc.nat(3) }),
    fc.record({ type: fc.constant('FLEET_PERCENT' as const), value: fc.nat(99) }),
  ),
  firstMonitorMs: fc.constantFrom(0, 30_000, 3_600_000),
  monitorMs: fc.constantFrom(0, 60_000),
});
