// Runs in the JupyterLab page: opens a notebook, and watches its pictures frame by frame.
window.ttc = (() => {
  const seen = new Map();
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', {willReadFrequently: true});
  let panel = null, cell = null, last = null, inputs = [], changes = [], alarms = [], finished = false;

  // A picture is its decoded pixels: a new address with the same pixels is no change.
  const pixels = image => {
    if (!seen.has(image.src)) {
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      context.drawImage(image, 0, 0);
      const data = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
      seen.set(image.src, data.reduce((hash, pixel) => Math.imul(hash ^ pixel, 16777619), 2166136261));
    }
    return seen.get(image.src);
  };
  const visible = element => element.getClientRects().length > 0;
  const all = selector => [...panel.node.querySelectorAll(selector)];
  const pictures = () => {
    const shown = [...cell.querySelectorAll('.jp-OutputArea-output img')].filter(visible);
    return shown.every(image => image.complete && image.naturalWidth) ? shown.map(pixels).join() : '';
  };
  const frame = () => {
    requestAnimationFrame(frame);
    if (!cell) return;
    const time = performance.now(), now = pictures();
    if (now && now !== last) changes.push(time);
    last = now || last;
  };
  requestAnimationFrame(frame);
  // A slider moves with the button held down; a pointermove without it is the browser's own.
  document.addEventListener('pointermove', event => event.buttons && inputs.push(performance.now()), true);
  document.addEventListener('change', event => event.target.tagName === 'SELECT'
    && inputs.push(performance.now()), true);
  document.addEventListener('keydown', () => inputs.push(performance.now()), true);

  return {
    async open(path) {
      const app = window.jupyterapp;
      await app.restored;
      for (let i = 0; i < 1200 && app.shell.currentWidget?.context?.path !== path; i++)
        await new Promise(done => setTimeout(done, 50));
      panel = app.shell.currentWidget;
      await panel.context.ready;
      await panel.sessionContext.ready;
      app.shell.collapseLeft();
      panel.sessionContext.iopubMessage.connect((_, message) => {
        if (message.header.msg_type === 'error') alarms.push(message.content.evalue);
      });
    },
    run() {
      finished = false;
      window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { finished = true; });
    },
    finished: () => finished,
    // Run one code cell again, some times over.
    async rerun(cell, times) {
      panel.content.activeCellIndex = cell;
      for (let i = 0; i < times; i++) await window.jupyterapp.commands.execute('notebook:run-cell');
    },
    // Run code in no cell; the promise holds what it prints.
    ask(code) {
      const future = panel.sessionContext.session.kernel.requestExecute({code, store_history: false});
      let said = '';
      future.onIOPub = message => { said += message.content.text ?? message.content.evalue ?? ''; };
      return future.done.then(() => said);
    },
    // How many views the notebook holds, and how many stand there with their picture: the last ones
    // are drawn a little after the last cell is done, or after the page was opened again.
    views: () => panel.context.model.toJSON().cells.flatMap(cell => cell.outputs ?? [])
      .filter(({data}) => data?.['application/vnd.jupyter.widget-view+json'] && data['image/png'])
      .length,
    alive: () => all('.ttc-budget').filter(view => [...view.querySelectorAll('img')]
      .every(image => image.complete && image.naturalWidth)).length,
    drawn() { return this.alive() >= this.views(); },
    // What is wrong with the notebook as it stands: a list of lines.
    problems() {
      const found = alarms.map(text => `an error in the kernel: ${text}`);
      panel.context.model.toJSON().cells.forEach((cell, i) => {
        if (cell.cell_type !== 'code') return;
        if (cell.execution_count === null) found.push(`cell ${i} was not finished`);
        for (const output of cell.outputs)
          if (output.output_type === 'error') found.push(`cell ${i}: ${output.ename}: ${output.evalue}`);
      });
      for (const line of all('.ttc-error'))
        if (visible(line) && line.textContent.trim()) found.push(`a view says: ${line.textContent}`);
      return found;
    },
    // Watch the pictures of the cell around an element from now on.
    watch(element) {
      cell = element.closest('.jp-Cell');
      last = pictures();
      inputs = [];
      changes = [];
    },
    changed: () => changes.length > 0,
    quiet: () => performance.now() - Math.max(...inputs, ...changes, 0) > 400,
    // From the last input that came before the last new picture: milliseconds.
    latency() {
      if (!changes.length) return null;
      const end = changes.at(-1);
      return end - Math.max(...inputs.filter(time => time <= end));
    },
    // A slow view shows progress; a view with one setting is switched by the browser, frame by frame.
    kind(element) {
      const view = element.closest('.ttc-budget');
      if (view.querySelector('progress')) return 'slow';
      return view.dataset.ahead ? 'frames' : 'redraw';
    },
    top: () => panel.node.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0),
    height: () => panel.node.querySelector('.jp-WindowedPanel-outer').scrollHeight + 120,
  };
})();
