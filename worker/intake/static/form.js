// Without this file the form works just the same: it only keeps a double press from looking like nothing happened.
(function () {
  "use strict";
  var form = document.querySelector("form[action='/v1/submissions']");
  var button = form && form.querySelector("button");
  if (!button) return;
  var words = button.textContent;

  function ready() {
    button.disabled = false;
    button.textContent = words;
  }

  form.addEventListener("submit", function () {
    button.disabled = true;
    button.textContent = button.dataset.sending;
    // Someone who stops the loading stays on this page and must be able to send again.
    setTimeout(ready, 10000);
  });

  // The Back button shows the page as it was left.
  window.addEventListener("pageshow", ready);
})();
