// What the pages can do by themselves: light and dark, folded code, larger pictures, print, search.
const page = document.documentElement;
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// ---- light and dark: the switch wins over the system ------------------------------------------
const system = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (page.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
const dark = find('#dark');
const tellDark = () => dark.setAttribute('aria-pressed', isDark());
dark.addEventListener('click', () => {
  page.dataset.theme = isDark() ? 'light' : 'dark';
  kept.set('ttc-theme', page.dataset.theme);
  tellDark();
});
system.addEventListener('change', tellDark);
tellDark();

// ---- folded code: one switch for all, and each cell for itself --------------------------------
const fold = find('#fold');
const blocks = all('details.code');
const place = `ttc-fold ${location.pathname.split('/').slice(-2).join('/')}`;
const own = JSON.parse(kept.get(place) ?? '{}'); // cells that differ from the switch: id → open
const folded = () => kept.get('ttc-fold') === 'yes';
const idOf = block => block.closest('.cell').id;
function foldAll() {
  for (const block of blocks) block.open = own[idOf(block)] ?? !folded();
  fold?.setAttribute('aria-pressed', folded());
}
fold?.addEventListener('click', () => {
  kept.set('ttc-fold', folded() ? 'no' : 'yes');
  Object.keys(own).forEach(id => delete own[id]);
  kept.set(place, '{}');
  foldAll();
});
for (const block of blocks)
  find('summary', block).addEventListener('click', () => { // the state is that before the click
    own[idOf(block)] = !block.open;
    kept.set(place, JSON.stringify(own));
  });
foldAll();

// ---- what is folded is shown where a link leads into it, and on paper --------------------------
const open = target => {
  for (let box = target?.closest('details'); box; box = box.parentElement.closest('details'))
    box.open = true;
};
const follow = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target || !target.closest('details')) return;
  open(target);
  target.scrollIntoView();
};
addEventListener('hashchange', follow);
follow();
let closed = [];
addEventListener('beforeprint', () => {
  closed = all('main details:not([open])');
  closed.forEach(box => { box.open = true; });
  all('img[loading=lazy]').forEach(image => { if (!image.hidden) image.loading = 'eager'; });
});
addEventListener('afterprint', () => closed.forEach(box => { box.open = false; }));

// ---- the table of contents is open only where there is room beside the text --------------------
const contents = find('.contents details');
const wide = matchMedia('(min-width: 75rem)');
const fit = () => { if (contents) contents.open = wide.matches; };
wide.addEventListener('change', fit);
fit();

// ---- views: their pictures are fetched before they are asked for -------------------------------
const near = new IntersectionObserver(entries => {
  for (const {isIntersecting, target} of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    all('img', target).forEach(image => { image.loading = 'eager'; });
  }
}, {rootMargin: '800px'});
all('.ttc-budget').forEach(view => near.observe(view));

// ---- a picture that the page is too narrow for can be shown in full, and scrolled ---------------
const {larger, smaller} = find('main').dataset;
for (const frame of all('.ttc-budget, .picture')) {
  const box = document.createElement('div'), button = document.createElement('button');
  box.className = 'frame';
  all(':scope > img', frame)[0].before(box);
  box.append(...all(':scope > img', frame));
  button.type = 'button';
  button.className = 'larger';
  button.textContent = larger;
  button.addEventListener('click', () => {
    const is = box.classList.toggle('large');
    button.textContent = is ? smaller : larger;
    if (is) box.tabIndex = 0; else box.removeAttribute('tabindex');
  });
  box.after(button);
  const width = Math.max(...all('img', box).map(image => +image.getAttribute('width')));
  new ResizeObserver(() => { button.hidden = width <= frame.clientWidth; }).observe(frame);
}

// ---- search: all words must be there; a heading counts more than the text -----------------------
const query = find('#query'), results = find('#results');
const status = find('p', results), list = find('ol', results);
let index = null;
const load = () => index ??= new Promise(done => {
  const script = document.createElement('script');
  script.src = `${page.dataset.root}assets/index.js`;
  script.onload = () => done(window.searchIndex.map(([address, title, heading, text]) =>
    ({address, title, heading, text, low: text.toLowerCase(), head: `${title} ${heading}`.toLowerCase()})));
  document.head.append(script);
});
const count = (text, word) => text.split(word).length - 1;
function search(entries, words) {
  const scored = entries.map(entry => ({
    entry,
    score: Math.min(...words.map(word => 8 * count(entry.head, word) + count(entry.low, word))),
  }));
  return scored.filter(({score}) => score).sort((a, b) => b.score - a.score).map(({entry}) => entry);
}
// A piece of the text around the first word, with the words marked.
function snippet(target, {text, low}, words) {
  const start = Math.max(0, Math.min(...words.map(w => low.indexOf(w)).filter(k => k >= 0)) - 60);
  const piece = Number.isFinite(start) ? text.slice(start, start + 160) : text.slice(0, 160);
  const pattern = new RegExp(`(${words.map(w => w.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'gi');
  piece.split(pattern).forEach((part, k) => {
    const node = document.createElement(k % 2 ? 'mark' : 'span');
    node.textContent = part;
    target.append(node);
  });
}
async function answer() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  results.hidden = !words.length;
  if (!words.length) return;
  const found = search(await load(), words);
  status.textContent = found.length ? query.dataset.found.replace('{}', found.length) : query.dataset.none;
  list.replaceChildren(...found.slice(0, 20).map(entry => {
    const item = document.createElement('li'), link = document.createElement('a');
    const text = document.createElement('p');
    link.href = page.dataset.root + entry.address;
    link.textContent = entry.heading && entry.heading !== entry.title
      ? `${entry.title} › ${entry.heading}` : entry.title;
    snippet(text, entry, words);
    item.append(link, text);
    return item;
  }));
}
query.addEventListener('focus', load);
query.addEventListener('input', answer);
list.addEventListener('click', () => { results.hidden = true; });
find('search').addEventListener('keydown', event => {
  const links = all('a', list), at = links.indexOf(document.activeElement);
  if (event.key === 'Escape') { results.hidden = true; query.focus(); }
  else if (event.key === 'ArrowDown') links[at + 1]?.focus();
  else if (event.key === 'ArrowUp') (links[at - 1] ?? query).focus();
  else if (event.key === 'Enter' && at < 0) links[0]?.click();
  else return;
  event.preventDefault();
});
document.addEventListener('click', event => {
  if (!find('search').contains(event.target)) results.hidden = true;
});
document.addEventListener('keydown', event => {
  if (event.key !== '/' || event.target.matches('input, select, textarea')) return;
  event.preventDefault();
  query.focus();
});
