/** A photo from the camera. */

const REASONS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar, and try again.",
  NotFoundError: "There is no camera on this machine.",
  NotReadableError: "Another program is using the camera. Close it, and try again.",
};

export class Camera {
  /** @param taken takes the photo, a File. */
  constructor(parts, taken) {
    Object.assign(this, { parts, taken });
    parts.shoot.addEventListener("click", () => this.#shoot());
    parts["camera-close"].addEventListener("click", () => parts["camera-dialog"].close());
    parts["camera-dialog"].addEventListener("close", () => this.#release());
  }

  async open() {
    const { video, shoot } = this.parts;
    shoot.disabled = true;
    video.hidden = true;
    this.parts["camera-dialog"].showModal();
    if (!navigator.mediaDevices) {
      this.#say("Browsers lend the camera only to pages on this machine (localhost) or over https.");
      return;
    }
    this.#say("Waiting for the camera…");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
      if (!this.parts["camera-dialog"].open) {
        stop(stream);
        return;
      }
      video.srcObject = stream;
      await video.play();
      video.hidden = false;
      shoot.disabled = false;
      shoot.focus();
      this.#say("");
    } catch (error) {
      this.#say(REASONS[error.name] ?? `The camera cannot be used: ${error.message}`);
    }
  }

  #shoot() {
    const { video } = this.parts;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => this.taken(new File([blob], "camera.jpg", { type: blob.type })), "image/jpeg", 0.95);
    this.parts["camera-dialog"].close();
  }

  #release() {
    stop(this.parts.video.srcObject);
    this.parts.video.srcObject = null;
  }

  #say(text) {
    this.parts["camera-text"].textContent = text;
  }
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
