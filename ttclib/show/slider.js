// What makes a view move. Python wrote the controls, the first picture and its caption; here an
// input brings another picture in. In a notebook the pictures come from the kernel, and those that
// came once are remembered. In a page without a kernel all of them are in the page.

const REMEMBERED = 10e6; // bytes of pictures that a view keeps here
const PATIENCE = 3000; // milliseconds without an answer until the kernel is asked again
const GRACE = 300; // milliseconds from the end of the kernel's work until its answer is here

// Where the controls stand: a position in a list of values, or a text.
const stand = control => control.type === 'text' ? control.value
  : control.tagName === 'SELECT' ? control.selectedIndex : +control.value;

// A slider says its value in words, beside it and to a screen reader.
function say(control) {
  if (control.type !== 'range') return;
  const name = control.dataset.names.split('|')[control.value];
  control.setAttribute('aria-valuetext', name);
  control.closest('p').querySelector('output').textContent = name;
}

// Call moved(where the controls stand, whether the hand let go) at each input.
function follow(root, moved) {
  const controls = [...root.querySelectorAll('[data-setting]')];
  for (const control of controls)
    for (const kind of ['input', 'change'])
      control.addEventListener(kind, () => {
        if (control.type === 'text' && kind === 'input') return; // a text is read when it is done
        say(control);
        moved(controls.map(stand), kind === 'change');
      });
  return controls;
}

// A page without a kernel: each picture is marked with where the controls stand. Where there are too
// many combinations, one control at a time leaves where it stood at first, and the others go back.
function still(root) {
  root.dataset.alive = 'yes';
  const pictures = new Map([...root.querySelectorAll('img')].map(one => [one.dataset.at, one]));
  const line = root.querySelector('p[role=status]');
  const controls = follow(root, at => {
    if (!pictures.has(at.join())) {
      at = at.map((place, i) => place === last[i] ? home[i] : place);
      controls.forEach((control, i) => {
        if (control.tagName === 'SELECT') control.selectedIndex = at[i]; else control.value = at[i];
        say(control);
      });
    }
    last = at;
    for (const [mark, picture] of pictures) picture.hidden = mark !== at.join();
    line.textContent = pictures.get(at.join()).alt;
  });
  const home = controls.map(stand);
  let last = home;
}

// A notebook: one model a view, shown in one place or in several.
function live() {
  const frames = new Map(); // setting → frame, the one not seen for longest first
  const places = new Set(); // where the view is shown
  let held = 0; // bytes in frames
  let turn = 0, shown = 0; // number of the last input, and of the input that the picture shows
  let last = null; // where the controls stood at the last input
  let asked = null, next = null; // when the kernel was asked something, and what it is asked then
  let missing = []; // settings to fetch while nothing else is to do
  let current = null, model = null;

  const key = at => JSON.stringify(at);
  const forget = name => {
    const frame = frames.get(name);
    if (!frame) return;
    URL.revokeObjectURL(frame.url);
    held -= frame.size;
    frames.delete(name);
  };
  const remember = (frame, data) => {
    const name = key(frame.at);
    forget(name);
    frame.url = URL.createObjectURL(new Blob([data], {type: 'image/webp'}));
    frame.size = data.byteLength;
    // an image that is kept stays decoded, so it stands there at the next repaint
    frame.image = Object.assign(new Image(), {src: frame.url});
    frame.image.decode().catch(() => {});
    frames.set(name, frame);
    held += frame.size;
    for (const old of frames.keys()) {
      if (held <= REMEMBERED) break;
      if (old !== name) forget(old);
    }
  };

  const show = (frame, number) => {
    current = frame;
    shown = number;
    error('');
    for (const {picture, caption} of places) {
      Object.assign(picture, {src: frame.url, alt: frame.alt});
      caption.innerHTML = frame.caption;
    }
  };
  const error = text => {
    for (const {line} of places) Object.assign(line, {textContent: text, hidden: !text});
  };
  const progress = share => {
    for (const {work, bar} of places) {
      work.hidden = share === null;
      bar.value = share ?? 0;
    }
  };

  // The kernel does not know this view: the line in its page says what to do.
  const lose = () => {
    for (const {root} of places) root.classList.add('jupyter-widgets-disconnected');
  };

  // At most one question is under way; of those that wait, only the last is still of interest.
  const ask = question => {
    if (asked && performance.now() - asked < PATIENCE) { next = question; return; }
    const now = asked = performance.now();
    // a kernel that is done with a question and has not answered is another one
    const status = ({content}) => content.execution_state === 'idle'
      && setTimeout(() => { if (asked === now) lose(); }, GRACE);
    try { model.send(question, {iopub: {status}}); } catch { lose(); } // there is none
  };
  const answered = () => {
    asked = null;
    if (next) ask(next);
    next = null;
  };
  const fetch = () => {
    while (missing.length && frames.has(key(missing[0]))) missing.shift();
    if (missing.length) model.send({fetch: missing.shift()});
  };

  const moved = (place, at, released) => {
    for (const {controls} of places)
      controls.forEach((control, i) => {
        if (control.tagName === 'SELECT') control.selectedIndex = at[i]; else control.value = at[i];
        say(control);
      });
    const seen = frames.get(key(at));
    if (!seen && !released && place.slow) return; // slow work starts when the hand lets go
    if (key(at) === last) return; // the hand let go where it had just been
    last = key(at);
    turn += 1;
    if (seen) {
      frames.delete(key(at));
      frames.set(key(at), seen); // now the last to go
      show(seen, turn);
    }
    ask({at, turn, seen: Boolean(seen)});
  };

  const receive = (message, buffers) => {
    if (message.turn) answered();
    if ('progress' in message) progress(message.progress);
    if ('error' in message) error(message.error);
    if (message.luck) {
      for (const {luck} of places) if (luck) luck.textContent = message.luck;
      if (message.forget) [...frames.keys()].forEach(forget);
    }
    const {frame} = message;
    if (!frame) return;
    if (buffers.length) remember(frame, buffers[0]);
    const mine = frames.get(key(frame.at));
    if (message.turn >= shown || (current && key(current.at) === key(frame.at)))
      show(mine, message.turn || shown);
    if (message.fetched) fetch();
  };

  return {
    initialize(context) {
      model = context.model;
      model.on('msg:custom', receive);
      model.on('comm_live_update', lose); // a model begins with its kernel, so this is the end
      // the notebook's page holds on to what it has closed, so little may be left in it
      return () => {
        [...frames.keys()].forEach(forget);
        model.set('page', '');
        model.set('page', ''); // a model also holds what it was before
        current = null;
      };
    },
    render({el}) {
      el.innerHTML = model.get('page');
      const find = name => el.querySelector(name);
      let place = {
        root: el,
        picture: find('img'), caption: find('[role=status]'), line: find('.ttc-error'),
        luck: find('.ttc-luck'), work: find('.ttc-work'), bar: find('progress'),
        slow: find('.ttc-work') !== null,
      };
      place.work ??= {};
      place.bar ??= {};
      place.controls = follow(el, (at, released) => moved(place, at, released));
      place.luck?.addEventListener('click', () => {
        last = null;
        ask({luck: true, turn: ++turn});
      });
      find('.ttc-stop')?.addEventListener('click', () => model.send({stop: true}));
      // keys that move a control do not move the notebook's cells: Notebook 7 listens for keys
      // before the view does, and asks this mark
      for (const touched of el.querySelectorAll('input, select, button'))
        touched.dataset.lmSuppressShortcuts = 'true';
      el.addEventListener('keydown', event => event.stopPropagation());
      places.add(place);
      const at = place.controls.map(stand);
      if (current) show(current, shown);
      else if (place.line.hidden) // the first picture, as Python wrote it, is remembered too
        frames.set(key(at), {
          at, url: place.picture.src, alt: place.picture.alt, caption: place.caption.innerHTML,
          size: 0,
        });
      if (el.firstElementChild.dataset.ahead && !missing.length) {
        const [control] = place.controls, now = stand(control);
        missing = Array.from({length: +control.dataset.length}, (_, i) => [i]);
        missing.sort(([i], [j]) => Math.abs(i - now) - Math.abs(j - now));
        fetch();
      }
      return () => {
        places.delete(place);
        place = null;
        el.replaceChildren();
      };
    },
  };
}

export default live;
