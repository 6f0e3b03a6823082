package main

import (
	"errors"
	"io"
	"log"
	"os"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// needDisplay says why no window can be opened here: without a display, or on one without GL, Fyne ends in a panic.
func needDisplay() error {
	wayland := os.Getenv("WAYLAND_DISPLAY") != "" && os.Getenv("FYNE_PLATFORM") != "x11"
	switch {
	case wayland:
		return nil
	case os.Getenv("DISPLAY") == "":
		return errors.New("there is no display to open a window on")
	}
	xgb.Logger = log.New(io.Discard, "", 0)
	connection, err := xgb.NewConn()
	if err != nil {
		return errors.New("the display " + os.Getenv("DISPLAY") + " cannot be reached")
	}
	defer connection.Close()
	answer, err := xproto.QueryExtension(connection, uint16(len("GLX")), "GLX").Reply()
	if err != nil || !answer.Present {
		return errors.New("the display " + os.Getenv("DISPLAY") + " has no GLX, so nothing can be drawn on it")
	}
	return nil
}
