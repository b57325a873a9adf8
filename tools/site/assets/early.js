// Before anything is painted: light or dark, as it was chosen last. A page that may not store
// anything follows the system.
const kept = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(name, value); } catch { /* this page only */ } },
};
if (kept.get('ttc-theme')) document.documentElement.dataset.theme = kept.get('ttc-theme');
document.documentElement.dataset.script = 'yes';
