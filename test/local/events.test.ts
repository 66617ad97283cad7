import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LOCAL_EVENTS, orderEvents, possibleEvents, problemsOfEvents } from '../../src/local/events.ts';

describe('the events of a local deployment', () => {
  test('are all, with ValidateService before the traffic events, when none is named', () => {
    expect(orderEvents(null)).toEqual([
      'BeforeBlockTraffic',
      'AfterBlockTraffic',
      'ApplicationStop',
      'DownloadBundle',
      'BeforeInstall',
      'Install',
      'AfterInstall',
      'ApplicationStart',
      'ValidateService',
      'BeforeAllowTraffic',
      'AfterAllowTraffic',
    ]);
    expect(problemsOfEvents(DEFAULT_LOCAL_EVENTS)).toEqual([]);
  });

  test.each([
    [['ApplicationStart'], ['DownloadBundle', 'Install', 'ApplicationStart']],
    [
      ['ApplicationStop', 'DownloadBundle', 'BeforeInstall', 'Install'],
      ['ApplicationStop', 'DownloadBundle', 'BeforeInstall', 'Install'],
    ],
    [
      ['BeforeInstall', 'Install', 'AfterInstall'],
      ['DownloadBundle', 'BeforeInstall', 'Install', 'AfterInstall'],
    ],
    [
      ['DownloadBundle', 'AfterInstall'],
      ['DownloadBundle', 'Install', 'AfterInstall'],
    ],
    [['MyOwnEvent'], ['DownloadBundle', 'Install', 'MyOwnEvent']],
  ])('%j become %j', (given, ordered) => {
    expect(problemsOfEvents(given)).toEqual([]);
    expect(orderEvents(given)).toEqual(ordered);
  });

  test.each([
    [['ApplicationStart', 'DownloadBundle'], ['ApplicationStart cannot come before DownloadBundle']],
    [['Install', 'DownloadBundle'], ['Install cannot come before DownloadBundle']],
    [['AfterInstall', 'ValidateService', 'Install'], ['AfterInstall, ValidateService cannot come before Install']],
    [
      ['AfterInstall', 'DownloadBundle', 'Install'],
      ['AfterInstall cannot come before DownloadBundle', 'AfterInstall cannot come before Install'],
    ],
    [['myEvent'], [expect.stringContaining("'myEvent'")]],
    [
      ['', 'MY EVENT'],
      [expect.stringContaining("''"), expect.stringContaining("'MY EVENT'")],
    ],
  ])('%j are refused', (given, problems) => {
    expect(problemsOfEvents(given)).toEqual(problems);
  });

  test('custom ones may come before DownloadBundle', () => {
    expect(problemsOfEvents(['MyOwnEvent', 'BeforeInstall', 'DownloadBundle', 'Install'])).toEqual([]);
  });

  test('in any order that is accepted, Install comes after DownloadBundle and before what needs it, and none is lost', () => {
    const name = fc.constantFrom(...DEFAULT_LOCAL_EVENTS, 'MyOwnEvent');
    fc.assert(
      fc.property(fc.uniqueArray(name), (given) => {
        fc.pre(problemsOfEvents(given).length === 0);
        const events = orderEvents(given);
        const at = (event: string) => events.indexOf(event);
        expect(at('DownloadBundle')).toBeGreaterThanOrEqual(0);
        expect(at('Install')).toBeGreaterThan(at('DownloadBundle'));
        expect(new Set(events)).toEqual(new Set([...given, 'DownloadBundle', 'Install']));
        expect(events).toHaveLength(new Set(events).size);
        for (const event of ['AfterInstall', 'ApplicationStart', 'ValidateService']) {
          if (at(event) >= 0) expect(at(event)).toBeGreaterThan(at('Install'));
        }
      }),
    );
  });

  test('events that the AppSpec file may have scripts for are the usual ones and the custom ones that run', () => {
    expect(possibleEvents(['DownloadBundle', 'Install', 'MyOwnEvent'])).toEqual([
      ...DEFAULT_LOCAL_EVENTS,
      'MyOwnEvent',
    ]);
  });
});
