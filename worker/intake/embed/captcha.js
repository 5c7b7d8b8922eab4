var box = d.createElement("div"), left = 10;
captcha = {
  start() {
    var vendor = d.createElement("script");
    box.className = "cf-turnstile";
    box.dataset.sitekey = c.captcha;
    button.before(box, vendor);
    vendor.onerror = () => left = 0;
    vendor.src = "VENDOR";
  },
  waits() {
    return !new FormData(form).get("FIELD") && left-- > 0;
  },
  renew() {
    left = self.turnstile ? 10 : 0;
    if (left) turnstile.reset(box);
  }
};
