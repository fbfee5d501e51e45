locals {
  variable = { x = 1 }
  output   = "no"
}

moved {
  from = terraform_data.before
  to   = terraform_data.it
}

removed {
  from = terraform_data.gone

  lifecycle {
    destroy = false
  }
}

check "health" {
  data "terraform_remote_state" "inner" {
    backend = "local"
    config = {
      path = "${path.module}/none.tfstate"
    }
  }

  assert {
    condition     = terraform_data.it.id != null
    error_message = "It is not."
  }
}

resource "terraform_data" "provisioned" {
  count = 0

  provisioner "local-exec" {
    command = "true"
  }

  lifecycle {
    create_before_destroy = true
  }
}

terraform {
  required_version = ">= 1.0"
}
