/** The traffic of a function or a service as it moves: how it is divided now, and the steps that were, are and come. */
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import type { TrafficRecord, TrafficStepRecord } from '../../../protocol/management/shapes.ts';
import { Time, useNow } from '../../view/time.tsx';
import { durationText } from '../../view/times.ts';
import { CHART, chartOf } from './traffic-chart.ts';

const STATES: Readonly<Record<TrafficStepRecord['status'], string>> = {
  Taken: 'Taken',
  Next: 'Next',
  Later: 'Later',
  Skipped: 'Not taken',
};

export function Traffic({ traffic }: { readonly traffic: TrafficRecord }) {
  const now = useNow();
  const next = traffic.steps.find(({ status }) => status === 'Next');
  const divided = `New version: ${traffic.percent} %. Old version: ${100 - traffic.percent} %.`;
  const coming =
    next?.time === undefined
      ? ''
      : ` Next step: ${next.percent} % ${next.time > now ? `in ${durationText(next.time - now)}` : 'now'}.`;
  return (
    <Container header={<Header variant="h2">Traffic</Header>}>
      <SpaceBetween size="m">
        <Box>
          {divided}
          {coming}
        </Box>
        <Division percent={traffic.percent} />
        <Chart traffic={traffic} now={now} />
        <Table<TrafficStepRecord>
          items={traffic.steps}
          trackBy={({ percent }) => String(percent)}
          variant="embedded"
          ariaLabels={{ tableLabel: 'Steps of the traffic' }}
          columnDefinitions={[
            { id: 'percent', header: 'New version', isRowHeader: true, cell: ({ percent }) => `${percent} %` },
            { id: 'state', header: 'State', cell: ({ status }) => STATES[status] },
            { id: 'time', header: 'Due', cell: ({ time }) => <Time seconds={time} /> },
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}

/** The words beside it say the same. */
function Division({ percent }: { readonly percent: number }) {
  return (
    <svg className="traffic-division" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect className="traffic-old" width="100" height="4" />
      <rect className="traffic-new" width={percent} height="4" />
    </svg>
  );
}

function Chart({ traffic, now }: { readonly traffic: TrafficRecord; readonly now: number }) {
  const chart = chartOf(traffic, now);
  const { width, height, left, top } = CHART;
  return (
    <svg className="traffic-chart" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {[0, 50, 100].map((percent) => (
        <g key={percent}>
          <line className="traffic-grid" x1={left} x2={width} y1={chart.y(percent)} y2={chart.y(percent)} />
          <text className="traffic-label" x={left - 6} y={chart.y(percent) + 4} textAnchor="end">
            {percent} %
          </text>
        </g>
      ))}
      <path className="traffic-planned" d={chart.planned} />
      <path className="traffic-taken" d={chart.taken} />
      {chart.nowX === null ? null : (
        <line className="traffic-now" x1={chart.nowX} x2={chart.nowX} y1={top} y2={chart.y(0)} />
      )}
    </svg>
  );
}
