// Draws results/growth.json as docs/growth.svg. echarts renders SVG without a browser.
import { readFile, writeFile } from 'node:fs/promises';
import * as echarts from 'echarts';

const { step, decode } = JSON.parse(
  await readFile(new URL('../results/growth.json', import.meta.url), 'utf8'),
);
const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 360 });
const axis = (name, gridIndex) => ({
  type: 'value',
  name,
  gridIndex,
  nameLocation: 'middle',
  nameGap: 30,
  min: 0,
});
chart.setOption({
  animation: false,
  backgroundColor: '#fff',
  title: [
    { text: 'GPT-2 124M training step, one text', left: '25%', textAlign: 'center' },
    { text: 'GPT-2 124M, one decoded token', left: '75%', textAlign: 'center' },
  ],
  grid: [
    { left: '7%', width: '38%', bottom: 50 },
    { left: '57%', width: '38%', bottom: 50 },
  ],
  xAxis: [axis('tokens', 0), axis('context, tokens', 1)],
  yAxis: [
    { type: 'value', name: 'seconds', gridIndex: 0, min: 0 },
    { type: 'value', name: 'milliseconds', gridIndex: 1, min: 0 },
  ],
  series: [
    {
      type: 'line',
      xAxisIndex: 0,
      yAxisIndex: 0,
      data: step.map(({ length, seconds }) => [length, seconds]),
    },
    {
      type: 'line',
      xAxisIndex: 1,
      yAxisIndex: 1,
      data: decode.map(({ context, seconds }) => [context, seconds * 1000]),
    },
  ],
});
await writeFile(new URL('../../../docs/growth.svg', import.meta.url), chart.renderToSVGString());
