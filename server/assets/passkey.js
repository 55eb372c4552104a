// Asks a passkey what a form says, and sends what it answers. Bytes are base64url without padding.
"use strict";
(function () {
  var form = document.querySelector("form[data-passkey]");
  if (!form) return;
  var said = form.dataset;
  function bytes(text) {
    var raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, function (c) { return c.charCodeAt(0); });
  }
  function text(buffer) {
    var raw = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  var known = said.known.split(",").filter(Boolean).map(function (id) { return { type: "public-key", id: bytes(id) }; });
  function ask() {
    if (said.passkey === "create") {
      return navigator.credentials.create({ publicKey: {
        challenge: bytes(said.challenge), rp: { id: said.host, name: "Apogee" },
        user: { id: bytes(said.handle), name: said.user, displayName: said.user },
        pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }],
        authenticatorSelection: { userVerification: "required" }, attestation: "none",
        excludeCredentials: known, timeout: 120000 } });
    }
    return navigator.credentials.get({ publicKey: {
      challenge: bytes(said.challenge), rpId: said.host, allowCredentials: known,
      userVerification: "required", timeout: 120000 } });
  }
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    ask().then(function (answer) {
      var response = answer.response;
      form.elements.credential.value = text(answer.rawId);
      form.elements.client.value = text(response.clientDataJSON);
      form.elements.authenticator.value = text(response.getAuthenticatorData ? response.getAuthenticatorData() : response.authenticatorData);
      form.elements.signature.value = response.signature ? text(response.signature) : "";
      form.submit();
    }).catch(function () {
      document.getElementById("passkey-failed").hidden = false;
    });
  });
})();
