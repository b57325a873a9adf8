// Runs in a page of the site: what a reader could see, measured.
window.ttc = {
  // The picture that a view shows: its file, once it is there. There is exactly one.
  async shown(view) {
    const [image, ...more] = [...view.querySelectorAll('img')].filter(one => !one.hidden);
    if (!image || more.length || !image.getClientRects().length) throw new Error('not one picture');
    await image.decode();
    return image.getAttribute('src');
  },
  // What a view shows and says after an input: [picture, its text, the line below, place and value].
  async state(control) {
    const view = control.closest('.ttc-budget');
    const picture = await ttc.shown(view);
    const choice = control.tagName === 'SELECT';
    return {
      picture,
      alt: view.querySelector('img:not([hidden])').alt,
      line: view.querySelector('p[role=status]').textContent,
      place: choice ? control.selectedIndex : +control.value,
      said: choice ? '' : control.getAttribute('aria-valuetext'),
      beside: choice ? '' : control.dataset.names.split('|')[control.value],
    };
  },
  // Texts whose contrast is less than 4.5 : 1, as "text: contrast".
  faint() {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgb = color => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
      for (let box = element; box; box = box.parentElement) {
        const color = rgb(getComputedStyle(box).backgroundColor);
        if (color[3] === 255) return color;
      }
      return [255, 255, 255, 255];
    };
    const found = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const element = walk.currentNode.parentElement;
      if (!walk.currentNode.data.trim() || !element.checkVisibility({opacityProperty: true})) continue;
      const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (contrast < 4.5) found.add(`${walk.currentNode.data.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return [...found];
  },
  // What sticks out of the page to the right, and does not scroll by itself.
  wide() {
    const limit = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= limit) return [];
    return [...document.querySelectorAll('body *')]
      .filter(element => element.getBoundingClientRect().right > limit + 1
        && !element.parentElement.closest('.scroll, pre, .formula, .output, .frame'))
      .map(element => `${element.tagName} ${element.className} ${element.textContent.slice(0, 60)}`);
  },
};
