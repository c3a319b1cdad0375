import "./media/upload.js";
import "./media/crop.js";
