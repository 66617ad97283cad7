// The page's search; `/` opens it from anywhere.
addEventListener('DOMContentLoaded', () => {
  // The site may stand in any folder of a web server.
  const baseUrl = new URL('.', location.href).pathname;
  new PagefindUI({ baseUrl, element: '#search', showImages: false, showSubResults: true, resetStyles: false });
  const input = document.querySelector('#search input');
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    input?.focus();
  });
});
